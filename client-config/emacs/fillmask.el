;;; fillmask.el --- Words that fit [MASK], by fillmask-ls  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: Apache-2.0
;; Version: 0.1
;; Package-Requires: ((emacs "28.1"))
;; Keywords: convenience, languages, wp

;;; Commentary:

;; Registers the language server fillmask-ls with eglot and lsp-mode, whichever is there, and has commands for what it
;; does with a whole text.  README.md in this folder says how to begin.

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
  "Words that fit [MASK], by a masked language model."
  :group 'convenience)

(defcustom fillmask-command '("fillmask-ls")
  "The program that is the server, and its arguments."
  :type '(repeat string))

(defcustom fillmask-modes '(text-mode)
  "The major modes that eglot starts the server for, with all derived from them.
Eglot runs one server in a buffer: leave out modes that are to have another one.
Read when eglot is loaded."
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
  "Start the server in this buffer by eglot, whatever its major mode is."
  (interactive)
  (require 'eglot)
  (let ((eglot-server-programs `((,major-mode . ,fillmask-command))))
    (call-interactively #'eglot)))

(defun fillmask--eglot ()
  "The eglot server of this buffer, or nil."
  (and (fboundp 'eglot-current-server) (eglot-current-server)))

(defun fillmask--execute (command &rest arguments)
  "The answer to the server's COMMAND about this buffer, with ARGUMENTS, a plist."
  (let ((server (fillmask--eglot))
        ;; Who asks for an edit needs no question about it.
        (eglot-confirm-server-edits nil)
        (eglot-confirm-server-initiated-edits nil))
    (cond
     (server
      (eglot--signal-textDocument/didChange) ; it waits for a pause in the typing
      (let ((uri (plist-get (eglot--TextDocumentIdentifier) :uri)))
        (jsonrpc-request server :workspace/executeCommand
                         `(:command ,command :arguments [(:uri ,uri ,@arguments)])
                         :timeout 60)))
     ((bound-and-true-p lsp-mode)
      (lsp-request "workspace/executeCommand"
                   `(:command ,command :arguments [(:uri ,(lsp--buffer-uri) ,@arguments)])))
     (t (user-error "No server in this buffer: M-x fillmask starts it")))))

(defun fillmask--get (answer name)
  "What ANSWER, a plist or a hash table, has for NAME."
  (if (hash-table-p answer) (gethash name answer) (plist-get answer (intern (concat ":" name)))))

(defun fillmask--range ()
  "The lines of the region, as arguments of a command; nil without one."
  (when (use-region-p)
    (let ((first (1- (line-number-at-pos (region-beginning) t)))
          (last (line-number-at-pos (region-end) t)))
      `(:range (:start (:line ,first :character 0) :end (:line ,last :character 0))))))

(defun fillmask--edit (command nothing &rest arguments)
  "Have the server's COMMAND edit the buffer, with ARGUMENTS.
Say NOTHING where it changed nothing."
  (let ((answer (apply #'fillmask--execute command (append arguments (fillmask--range)))))
    (if (seq-empty-p (fillmask--get answer "words"))
        (message "fillmask: %s" nothing)
      (deactivate-mark))))

;;;###autoload
(defun fillmask-fill-all ()
  "Fill all masks of the buffer, or of the region's lines."
  (interactive)
  (fillmask--edit "fillmask.fillAll" "there is no [MASK] to fill"))

;;;###autoload
(defun fillmask-mask (share)
  "Hide a SHARE of the words of the buffer, or of the region's lines.
It is 0.15, or the prefix argument in percent."
  (interactive (list (if current-prefix-arg (/ (prefix-numeric-value current-prefix-arg) 100.0) 0.15)))
  (fillmask--edit "fillmask.maskRandomly" "no word was chosen; try again" :rate share))

;;;###autoload
(defun fillmask-unmask ()
  "Put back the words that the masks of the buffer, or of the region's lines, hide."
  (interactive)
  (fillmask--edit "fillmask.unmask" "no mask hides a word that is known"))

;;;###autoload
(defun fillmask-inspect ()
  "Show the model's view of the buffer, or of the region's lines."
  (interactive)
  (let ((answer (apply #'fillmask--execute "fillmask.inspect" :format "markdown" (fillmask--range))))
    (with-current-buffer (get-buffer-create "*fillmask*")
      (let ((inhibit-read-only t))
        (erase-buffer)
        (insert (fillmask--get answer "content"))
        (goto-char (point-min)))
      (special-mode)
      (display-buffer (current-buffer)))))

;;;###autoload
(defun fillmask-status ()
  "Say which model answers."
  (interactive)
  (let ((answer (fillmask--execute "fillmask.status")))
    (message "fillmask-ls %s: %s, %s" (fillmask--get answer "version") (fillmask--get answer "state")
             (fillmask--get answer "model"))))

(provide 'fillmask)
;;; fillmask.el ends here
