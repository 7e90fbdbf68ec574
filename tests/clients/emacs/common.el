;;; common.el --- Helpers of the tests of eglot and lsp-mode  -*- lexical-binding: t; -*-

(require 'ert)
(require 'cl-lib)

(defconst timeout 120 "Seconds to wait for a condition.  A busy machine is slow.")

(defun wait-for (what predicate)
  "Wait until PREDICATE returns non-nil, and return its value.\nWHAT describes the condition in the failure message."
  (let ((end (+ (float-time) timeout)) result)
    (while (not (setq result (funcall predicate)))
      (when (> (float-time) end)
        (ert-fail (format "not within %s s: %s; the buffer: %s" timeout what (buffer-string))))
      (accept-process-output nil 0.05))
    result))

(defun line-text ()
  "Return the current line."
  (buffer-substring-no-properties (line-beginning-position) (line-end-position)))

(defun buffer-text ()
  "Return the buffer's text."
  (buffer-substring-no-properties (point-min) (point-max)))

(defun type-text (text)
  "Type TEXT, one key at a time."
  (mapc (lambda (letter)
          (let ((last-command-event letter))
            (undo-boundary)
            (self-insert-command 1)))
        text))

(defun complete-mask (&optional word)
  "Request completion and accept WORD, or the first word.  Return all words.
This calls `completion-at-point' and accepts the word as a completion menu does."
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

(defvar document-count 0 "Number of visited documents.")

(defmacro with-document (name content &rest body)
  "Visit a new file NAME with CONTENT, connect it to the server, and run BODY.
The buffer is not killed, because late answers may still refer to it."
  (declare (indent 2))
  `(let ((file (expand-file-name (format "%d-%s" (cl-incf document-count) ,name) (getenv "DOCUMENTS"))))
     (let ((coding-system-for-write 'utf-8-unix))
       (write-region ,content nil file nil 'silent))
     (with-current-buffer (find-file-noselect file)
       (set-window-buffer (selected-window) (current-buffer))
       (setq buffer-undo-list nil)
       (connect)
       (wait-for "the model" (lambda () (let ((inhibit-message t)) (string-match-p "ready" (fillmask-status)))))
       ,@body
       (set-buffer-modified-p nil))))

(defun undo-one-step ()
  "Undo one step."
  (undo-boundary)
  (setq last-command nil)
  (undo))
;;; common.el ends here
