;;; init.el --- The [MASK] of things
⟹ init.el --- The [MASK] of things
;; Wrapped over
;; two [MASK] lines.
⟹ Wrapped over two [MASK] lines.
(defun first () "Return the [MASK] of it." nil)
⟹ Return the [MASK] of it.
