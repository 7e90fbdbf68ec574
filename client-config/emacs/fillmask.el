;;; fillmask.el --- Fill [MASK] with fillmask-ls  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0
;; Version: 0.1
;; Package-Requires: ((emacs "28.1"))
;; Keywords: convenience, languages, wp

;;; Commentary:

;; Register the language server fillmask-ls with eglot and lsp-mode, and define commands that work on a whole text.
;; README.md in this folder explains the setup.

;;; Code:

(require 'seq)

(defvar eglot-server-programs)
(defvar eglot-confirm-server-edits)
(defvar eglot-confirm-server-initiated-edits)
(defvar lsp-mode)
(defvar lsp-language-id-configuration)
(declare-function eglot "eglot")
(declare-function eglot-current-server "eglot")
(declare-function eglot--TextDocumentIdentifier "eglot")
(declare-function eglot--signal-textDocument/didChange "eglot")
(declare-function jsonrpc-request "jsonrpc")
(declare-function lsp-activate-on "lsp-mode")
(declare-function lsp--buffer-uri "lsp-mode")
(declare-function lsp-register-client "lsp-mode")
(declare-function lsp-request "lsp-mode")
(declare-function lsp-stdio-connection "lsp-mode")
(declare-function make-lsp-client "lsp-mode")

(defgroup fillmask nil
  "Fill [MASK] with words that a masked language model predicts."
  :group 'convenience)

(defcustom fillmask-command '("fillmask-ls")
  "The server's program and its arguments."
  :type '(repeat string))

(defcustom fillmask-modes '(text-mode)
  "Major modes that use the server, including modes derived from them.
Eglot runs one server per buffer: leave out modes that should use another one.
Set this before eglot is loaded."
  :type '(repeat symbol))

;;;###autoload
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs (cons fillmask-modes fillmask-command)))

;;;###autoload
(with-eval-after-load 'lsp-mode
  (dolist (mode fillmask-modes)
    (add-to-list 'lsp-language-id-configuration (cons mode "plaintext") t))
  (lsp-register-client
   (make-lsp-client :server-id 'fillmask
                    :new-connection (lsp-stdio-connection (lambda () fillmask-command))
                    :activation-fn (lambda (&rest _) (apply #'derived-mode-p fillmask-modes))
                    :add-on? t)))

;;;###autoload
(defun fillmask ()
  "Start the server in this buffer with eglot, in any major mode."
  (interactive)
  (require 'eglot)
  (let ((eglot-server-programs `((,major-mode . ,fillmask-command))))
    (call-interactively #'eglot)))

(defun fillmask--eglot ()
  "Return the eglot server of this buffer, or nil."
  (and (fboundp 'eglot-current-server) (eglot-current-server)))

(defun fillmask--execute (command &rest arguments)
  "Execute the server's COMMAND on this buffer and return its result.
ARGUMENTS is a plist."
  (let ((server (fillmask--eglot))
        ;; The user requested the edit, so it needs no confirmation.
        (eglot-confirm-server-edits nil)
        (eglot-confirm-server-initiated-edits nil))
    (cond
     (server
      (eglot--signal-textDocument/didChange) ; eglot delays it until the user is idle
      (let ((uri (plist-get (eglot--TextDocumentIdentifier) :uri)))
        (jsonrpc-request server :workspace/executeCommand
                         `(:command ,command :arguments [(:uri ,uri ,@arguments)])
                         :timeout 60)))
     ((bound-and-true-p lsp-mode)
      (lsp-request "workspace/executeCommand"
                   `(:command ,command :arguments [(:uri ,(lsp--buffer-uri) ,@arguments)])))
     (t (user-error "No server is attached to this buffer.  Start it with M-x fillmask")))))

(defun fillmask--get (result name)
  "Return the value of NAME in RESULT, a plist or a hash table."
  (if (hash-table-p result) (gethash name result) (plist-get result (intern (concat ":" name)))))

(defun fillmask--range ()
  "Return the lines of the active region as a `:range' argument, or nil."
  (when (use-region-p)
    (let ((first (1- (line-number-at-pos (region-beginning) t)))
          (last (line-number-at-pos (region-end) t)))
      `(:range (:start (:line ,first :character 0) :end (:line ,last :character 0))))))

(defun fillmask--edit (command unchanged &rest arguments)
  "Execute the server's COMMAND with ARGUMENTS, which edits the buffer.
Show the message UNCHANGED if it edited nothing."
  (let ((result (apply #'fillmask--execute command (append arguments (fillmask--range)))))
    (if (seq-empty-p (fillmask--get result "words"))
        (message "fillmask: %s" unchanged)
      (deactivate-mark))))

;;;###autoload
(defun fillmask-fill-all ()
  "Fill all masks in the buffer, or in the region's lines."
  (interactive)
  (fillmask--edit "fillmask.fillAll" "Nothing to fill: the text contains no [MASK]"))

;;;###autoload
(defun fillmask-suggest ()
  "Suggest words at point: for a mask, a gap, or in the place of a word.
Nothing changes until one is chosen."
  (interactive)
  (let* ((line (1- (line-number-at-pos nil t)))
         (result (fillmask--execute "fillmask.suggest"
                                    :position `(:line ,line :character ,(fillmask--column (point)))))
         (words (append (fillmask--get result "words") nil))
         (range (fillmask--get result "range")))
    (if (null words)
        (message "fillmask: No words fit here")
      (let* ((names (mapcar (lambda (word) (fillmask--get word "text")) words))
             (annotate (lambda (name)
                         (let ((word (seq-find (lambda (each) (equal (fillmask--get each "text") name)) words)))
                           (format "  %.1f %%" (* 100 (fillmask--get word "probability"))))))
             (table (lambda (string predicate action)
                      (if (eq action 'metadata)
                          `(metadata (display-sort-function . identity) (annotation-function . ,annotate))
                        (complete-with-action action names string predicate))))
             (choice (completing-read "Word: " table nil nil nil nil (car names)))
             (start (fillmask--position (fillmask--get range "start")))
             (end (fillmask--position (fillmask--get range "end"))))
        (delete-region start end)
        (goto-char start)
        (insert choice)))))

(defun fillmask--column (position)
  "Return the column of POSITION in the encoding of the buffer's server."
  (save-excursion
    (goto-char position)
    (cond ((and (fillmask--eglot) (boundp 'eglot-current-linepos-function))
           (funcall (symbol-value 'eglot-current-linepos-function)))
          ((and (fillmask--eglot) (boundp 'eglot-current-column-function))
           (funcall (symbol-value 'eglot-current-column-function)))
          (t (- position (line-beginning-position))))))

(defun fillmask--position (position)
  "Return the buffer position of POSITION, a position of the protocol."
  (let ((line (fillmask--get position "line"))
        (column (fillmask--get position "character")))
    (save-excursion
      (save-restriction
        (widen)
        (goto-char (point-min))
        (forward-line line)
        (let ((limit (line-end-position)))
          (while (and (< (point) limit) (< (fillmask--column (point)) column))
            (forward-char)))
        (point)))))

;;;###autoload
(defun fillmask-mask (rate)
  "Mask random words in the buffer, or in the region's lines, at a RATE.
Interactively, the rate is 0.15, or the prefix argument in percent."
  (interactive (list (if current-prefix-arg (/ (prefix-numeric-value current-prefix-arg) 100.0) 0.15)))
  (fillmask--edit "fillmask.maskRandomly" "Nothing to mask: the text contains no words" :rate rate))

;;;###autoload
(defun fillmask-unmask ()
  "Restore masked words in the buffer, or in the region's lines."
  (interactive)
  (fillmask--edit "fillmask.unmask"
                  "Nothing to restore: fillmask can restore only words that it masked itself"))

;;;###autoload
(defun fillmask-inspect ()
  "Show what the model predicts for the buffer, or for the region's lines."
  (interactive)
  (let ((result (apply #'fillmask--execute "fillmask.inspect" :format "markdown" (fillmask--range))))
    (with-current-buffer (get-buffer-create "*fillmask*")
      (let ((inhibit-read-only t))
        (erase-buffer)
        (insert (fillmask--get result "content"))
        (goto-char (point-min)))
      (special-mode)
      (display-buffer (current-buffer)))))

;;;###autoload
(defun fillmask-status ()
  "Show which model is used."
  (interactive)
  (let ((result (fillmask--execute "fillmask.status")))
    (message "fillmask-ls %s: %s, %s" (fillmask--get result "version") (fillmask--get result "state")
             (fillmask--get result "model"))))

(provide 'fillmask)
;;; fillmask.el ends here
