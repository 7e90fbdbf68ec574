;;; lsp-mode-test.el --- Tests of Emacs with lsp-mode  -*- lexical-binding: t; -*-

(load (expand-file-name "common" (file-name-directory load-file-name)) nil t)
(package-initialize)
(require 'lsp-mode)
(require 'lsp-completion)
(setq lsp-auto-guess-root t
      lsp-enable-suggest-server-download nil
      lsp-completion-provider :none
      lsp-keep-workspace-alive nil)

(defun connect ()
  "Connect this buffer to the server."
  (lsp)
  (wait-for "the server" (lambda () (and (lsp-workspaces) (eq 'initialized (lsp--workspace-status (car (lsp-workspaces))))))))

(ert-deftest accepted-completion-replaces-the-mask-in-one-undo-step ()
  (with-document "letter.txt" "Line one.\n"
    (goto-char (point-max))
    (type-text "Árvíz: Paris is the capital of [MASK]") ; without emoji: lsp-mode 8 miscounts their columns
    (let ((words (complete-mask)))
      (should (>= (length words) 10))
      (should (equal (line-text) (concat "Árvíz: Paris is the capital of " (car words))))
      (undo-one-step)
      (should (equal (line-text) "Árvíz: Paris is the capital of [MASK]")))))

(ert-deftest letters-after-the-mask-filter-the-completions ()
  (with-document "letter.txt" ""
    (type-text "Paris is the capital of [MASK]Fr")
    (complete-mask "France")
    (should (equal (line-text) "Paris is the capital of France"))))

(ert-deftest hover-shows-the-prediction ()
  (with-document "letter.txt" "Paris is the [MASK] of France.\n"
    (search-forward "[MA")
    (should (string-match-p "capital" (format "%s" (lsp-request "textDocument/hover" (lsp--text-document-position-params)))))
    (call-interactively #'lsp-describe-thing-at-point)
    (with-current-buffer "*lsp-help*"
      (should (string-match-p "capital" (buffer-text))))))

(ert-deftest code-action-fills-the-mask ()
  (with-document "letter.txt" "Paris is the [MASK] of France.\n"
    (search-forward "[MA")
    (let ((action (seq-find (lambda (each) (string-prefix-p "Fill with" (lsp:code-action-title each)))
                            (lsp-code-actions-at-point))))
      (lsp-execute-code-action action)
      (wait-for "the word" (lambda () (not (string-match-p "MASK" (buffer-text))))))))

(ert-deftest fill-all-is-one-undo-step ()
  (let ((text "Paris is the [MASK] of France. It is a [MASK] city.\n\nThe sky is [MASK].\n"))
    (with-document "letter.txt" text
      (fillmask-fill-all)
      (should-not (string-match-p "MASK" (buffer-text)))
      (undo-one-step)
      (should (equal (buffer-text) text)))))

(ert-deftest masked-words-are-restored ()
  (let ((text "The quick brown fox jumps over the lazy dog.\n"))
    (with-document "letter.txt" text
      (fillmask-mask 0.8)
      (should (string-match-p "MASK" (buffer-text)))
      (fillmask-unmask)
      (should (equal (buffer-text) text)))))
;;; lsp-mode-test.el ends here
