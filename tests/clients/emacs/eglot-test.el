;;; eglot-test.el --- Tests of Emacs with eglot  -*- lexical-binding: t; -*-

(load (expand-file-name "common" (file-name-directory load-file-name)) nil t)
(package-initialize)
(require 'eglot)
(setq last-nonmenu-event ?a) ; a key, so that prompts don't use the mouse
(setq eglot-autoshutdown nil
      eglot-connect-timeout timeout
      eglot-sync-connect timeout)

(defun connect ()
  "Connect this buffer to the server, as an interactive Emacs does after a command."
  (run-hooks 'post-command-hook) ; `eglot-ensure' connects in it, perhaps in the background
  (unless (or (eglot-managed-p) (derived-mode-p 'text-mode))
    (fillmask))
  (wait-for "the server" #'eglot-managed-p))

(ert-deftest accepted-completion-replaces-the-mask-in-one-undo-step ()
  (with-document "letter.txt" "Line one.\n"
    (goto-char (point-max))
    (type-text "👩‍👩‍👧 Paris is the capital of [MASK]")
    (let ((words (complete-mask)))
      (should (>= (length words) 10))
      (should (equal (line-text) (concat "👩‍👩‍👧 Paris is the capital of " (car words))))
      (undo-one-step)
      (should (equal (line-text) "👩‍👩‍👧 Paris is the capital of [MASK]")))))

(ert-deftest letters-after-the-mask-filter-the-completions ()
  (with-document "letter.txt" ""
    (type-text "Paris is the capital of [MASK]Fr")
    (let ((words (complete-mask "France")))
      (should (seq-every-p (lambda (word) (string-prefix-p "Fr" word)) words))
      (should (equal (line-text) "Paris is the capital of France")))))

(ert-deftest completion-with-the-cursor-inside-the-mask ()
  ;; Eglot 1.9 with Emacs 28 completes only words that contain the letters M, A, S and K.
  :expected-result (if (fboundp 'eglot-inlay-hints-mode) :passed :failed)
  (with-document "letter.txt" "Paris is the [MASK] of France.\n"
    (search-forward "[MA")
    (let ((words (complete-mask)))
      (should (>= (length words) 3))
      (should (equal (line-text) (format "Paris is the %s of France." (car words)))))))

(ert-deftest completion-with-automatically-closed-brackets ()
  (with-document "notes.org" "\n"
    (electric-pair-local-mode 1)
    (type-text "- *Paris* is the capital of [MASK]")
    (should (equal (line-text) "- *Paris* is the capital of [MASK]"))
    (let ((words (complete-mask)))
      (should (equal (line-text) (concat "- *Paris* is the capital of " (car words)))))))

(ert-deftest completion-in-a-code-comment ()
  (with-document "module.py" "# This function returns the [MASK]\n"
    (goto-char (line-end-position))
    (let ((words (complete-mask)))
      (should (equal (line-text) (concat "# This function returns the " (car words)))))))

(ert-deftest hover-shows-the-prediction ()
  (with-document "letter.txt" "Paris is the [MASK] of France.\n"
    (search-forward "[MA")
    (let (hover)
      (eglot-hover-eldoc-function (lambda (text &rest _) (setq hover text)))
      (wait-for "the hover" (lambda () hover))
      (should (string-match-p "capital" hover))
      (should (string-match-p "like choosing among" hover)))))

(ert-deftest hint-shows-a-probability ()
  (skip-unless (fboundp 'eglot-inlay-hints-mode))
  (with-document "letter.txt" "Paris is the [MASK] of France.\n"
    (should eglot-inlay-hints-mode)
    (eglot--update-hints-1 (point-min) (point-max))
    (wait-for "a hint" (lambda ()
                         (seq-some (lambda (overlay)
                                     (string-match-p "%" (or (overlay-get overlay 'after-string)
                                                             (overlay-get overlay 'before-string) "")))
                                   (overlays-in (point-min) (point-max)))))))

(ert-deftest code-action-fills-the-mask ()
  (with-document "letter.txt" "Paris is the [MASK] of France.\n"
    (search-forward "[MA")
    (let* (titles
           (completing-read-function (lambda (_prompt table &rest _)
                                       (setq titles (all-completions "" table))
                                       (car titles))))
      (call-interactively #'eglot-code-actions)
      (should (string-prefix-p "Fill with" (car titles)))
      (wait-for "the word" (lambda () (not (string-match-p "MASK" (buffer-text)))))
      (undo-one-step)
      (should (equal (line-text) "Paris is the [MASK] of France.")))))

(ert-deftest fill-all-is-one-undo-step ()
  (let ((text "Paris is the [MASK] of France. It is a [MASK] city.\n\nThe sky is [MASK].\n"))
    (with-document "letter.txt" text
      (fillmask-fill-all)
      (should-not (string-match-p "MASK" (buffer-text)))
      (undo-one-step)
      (should (equal (buffer-text) text)))))

(ert-deftest masked-words-of-the-region-are-restored ()
  (let ((text "The quick brown fox jumps over the lazy dog.\n"))
    (with-document "letter.txt" (concat text text)
      (transient-mark-mode 1)
      (set-mark (point-min))
      (goto-char (line-end-position))
      (activate-mark)
      (fillmask-mask 0.8)
      (should (string-match-p "MASK.*\n.*fox" (buffer-text)))
      (deactivate-mark)
      (fillmask-unmask)
      (should (equal (buffer-text) (concat text text))))))

(ert-deftest commands-show-inspection-and-status ()
  (with-document "letter.txt" "The quick brown fox jumps over the lazy dog.\n"
    (fillmask-inspect)
    (with-current-buffer "*fillmask*"
      (should (string-match-p "Perplexity" (buffer-text))))
    (should (string-match-p "ready, embedded" (fillmask-status)))))

(ert-deftest command-without-a-server-says-what-to-do ()
  (with-temp-buffer
    (should (string-match-p "M-x fillmask" (cadr (should-error (fillmask-fill-all) :type 'user-error))))))
;;; eglot-test.el ends here
