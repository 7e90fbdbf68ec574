;;; lsp-mode-test.el --- A person at Emacs with lsp-mode  -*- lexical-binding: t; -*-

(load (expand-file-name "common" (file-name-directory load-file-name)) nil t)
(package-initialize)
(require 'lsp-mode)
(require 'lsp-completion)
(setq lsp-auto-guess-root t
      lsp-enable-suggest-server-download nil
      lsp-completion-provider :none
      lsp-keep-workspace-alive nil)

(defun connect ()
  "Have the server in this buffer."
  (lsp)
  (wait-for "the server" (lambda () (and (lsp-workspaces) (eq 'initialized (lsp--workspace-status (car (lsp-workspaces))))))))

(ert-deftest type-a-mask-and-accept-a-word ()
  (with-document "letter.txt" "Line one.\n"
    (goto-char (point-max))
    (as-typed "Árvíz: Paris is the capital of [MASK]") ; no emoji, of which lsp-mode 8 counts the columns wrongly
    (let ((words (choose)))
      (should (>= (length words) 10))
      (should (equal (line) (concat "Árvíz: Paris is the capital of " (car words))))
      (undone)
      (should (equal (line) "Árvíz: Paris is the capital of [MASK]")))))

(ert-deftest type-on-and-accept ()
  (with-document "letter.txt" ""
    (as-typed "Paris is the capital of [MASK]Fr")
    (choose "France")
    (should (equal (line) "Paris is the capital of France"))))

(ert-deftest hover ()
  (with-document "letter.txt" "Paris is the [MASK] of France.\n"
    (search-forward "[MA")
    (should (string-match-p "capital" (format "%s" (lsp-request "textDocument/hover" (lsp--text-document-position-params)))))
    (call-interactively #'lsp-describe-thing-at-point)
    (with-current-buffer "*lsp-help*"
      (should (string-match-p "capital" (text))))))

(ert-deftest code-action ()
  (with-document "letter.txt" "Paris is the [MASK] of France.\n"
    (search-forward "[MA")
    (let ((action (seq-find (lambda (each) (string-prefix-p "Fill with" (lsp:code-action-title each)))
                            (lsp-code-actions-at-point))))
      (lsp-execute-code-action action)
      (wait-for "the word" (lambda () (not (string-match-p "MASK" (text))))))))

(ert-deftest fill-all-is-one-step-of-undo ()
  (let ((text "Paris is the [MASK] of France. It is a [MASK] city.\n\nThe sky is [MASK].\n"))
    (with-document "letter.txt" text
      (fillmask-fill-all)
      (should-not (string-match-p "MASK" (text)))
      (undone)
      (should (equal (text) text)))))

(ert-deftest hide-words-and-put-them-back ()
  (let ((text "The quick brown fox jumps over the lazy dog.\n"))
    (with-document "letter.txt" text
      (fillmask-mask 0.8)
      (should (string-match-p "MASK" (text)))
      (fillmask-unmask)
      (should (equal (text) text)))))
;;; lsp-mode-test.el ends here
