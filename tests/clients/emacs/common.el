;;; common.el --- What the tests of eglot and of lsp-mode share  -*- lexical-binding: t; -*-

(require 'ert)
(require 'cl-lib)

(defconst patience 60 "Seconds for what takes one or two on a quiet machine.")

(defun wait-for (what predicate)
  "Wait until PREDICATE is true, and return its value; WHAT is for the message."
  (let ((end (+ (float-time) patience)) result)
    (while (not (setq result (funcall predicate)))
      (when (> (float-time) end)
        (ert-fail (format "not within %s s: %s; the buffer: %s" patience what (buffer-string))))
      (accept-process-output nil 0.05))
    result))

(defun line ()
  "The current line."
  (buffer-substring-no-properties (line-beginning-position) (line-end-position)))

(defun text ()
  "The buffer's text."
  (buffer-substring-no-properties (point-min) (point-max)))

(defun as-typed (text)
  "Insert TEXT letter by letter, as a command of its own each."
  (mapc (lambda (letter)
          (let ((last-command-event letter))
            (undo-boundary)
            (self-insert-command 1)))
        text))

(defun choose (&optional word)
  "Ask for completions and accept WORD, or the first; return all.
It goes by `completion-at-point' and does what a completion menu does."
  (let* (words
         (completion-in-region-function
          (lambda (start end table predicate)
            (let* ((typed (buffer-substring-no-properties start end))
                   (metadata (completion-metadata typed table predicate))
                   (found (completion-all-completions typed table predicate (length typed) metadata))
                   (sort (or (completion-metadata-get metadata 'display-sort-function) #'identity)))
              (when (consp found)
                (setcdr (last found) nil)
                (setq words (funcall sort found))
                (let ((chosen (if word (seq-find (lambda (each) (string= each word)) words) (car words))))
                  (undo-boundary)
                  (completion--replace start end (copy-sequence chosen))
                  (completion--done chosen 'finished)))
              t))))
    (completion-at-point)
    (mapcar #'substring-no-properties words)))

(defvar documents 0 "How many have been visited.")

(defmacro with-document (name content &rest body)
  "Visit a new file NAME with CONTENT, with the server in its buffer; do BODY.
The buffer stays: answers that nobody waits for may still come."
  (declare (indent 2))
  `(let ((file (expand-file-name (format "%d-%s" (cl-incf documents) ,name) (getenv "DOCUMENTS"))))
     (let ((coding-system-for-write 'utf-8-unix))
       (write-region ,content nil file nil 'silent))
     (with-current-buffer (find-file-noselect file)
       (set-window-buffer (selected-window) (current-buffer))
       (setq buffer-undo-list nil)
       (connect)
       (wait-for "the model" (lambda () (let ((inhibit-message t)) (string-match-p "ready" (fillmask-status)))))
       ,@body
       (set-buffer-modified-p nil))))

(defun undone ()
  "Undo one step."
  (undo-boundary)
  (setq last-command nil)
  (undo))
;;; common.el ends here
