;;; eglot-test.el --- A person at Emacs with eglot  -*- lexical-binding: t; -*-

(load (expand-file-name "common" (file-name-directory load-file-name)) nil t)
(package-initialize)
(require (quote eglot))
(setq last-nonmenu-event ?a) ; not the mouse
(setq eglot-autoshutdown nil
      eglot-connect-timeout patience
      eglot-sync-connect patience)

(defun connect ()
  "Have the server in this buffer, as after a command in an Emacs that is not in batch mode."
  (run-hooks 'post-command-hook)
  (unless (eglot-managed-p)
    (if (derived-mode-p 'text-mode)
        (call-interactively #'eglot)
      (fillmask)))
  (wait-for "the server" #'eglot-managed-p))

(ert-deftest type-a-mask-and-accept-a-word ()
  (with-document "letter.txt" "Line one.\n"
    (goto-char (point-max))
    (as-typed "👩‍👩‍👧 Paris is the capital of [MASK]")
    (let ((words (choose)))
      (should (>= (length words) 10))
      (should (equal (line) (concat "👩‍👩‍👧 Paris is the capital of " (car words))))
      (undone)
      (should (equal (line) "👩‍👩‍👧 Paris is the capital of [MASK]")))))

(ert-deftest type-on-and-accept ()
  (with-document "letter.txt" ""
    (as-typed "Paris is the capital of [MASK]Fr")
    (let ((words (choose "France")))
      (should (seq-every-p (lambda (word) (string-prefix-p "Fr" word)) words))
      (should (equal (line) "Paris is the capital of France")))))

(ert-deftest accept-with-the-cursor-inside-the-mask ()
  ;; Eglot 1.9, of Emacs 28's days, completes only words that contain the letters M, A, S and K.
  :expected-result (if (fboundp 'eglot-inlay-hints-mode) :passed :failed)
  (with-document "letter.txt" "Paris is the [MASK] of France.\n"
    (search-forward "[MA")
    (let ((words (choose)))
      (should (>= (length words) 3))
      (should (equal (line) (format "Paris is the %s of France." (car words)))))))

(ert-deftest brackets-that-close-by-themselves ()
  (with-document "notes.org" "\n"
    (electric-pair-local-mode 1)
    (as-typed "- *Paris* is the capital of [MASK]")
    (should (equal (line) "- *Paris* is the capital of [MASK]"))
    (let ((words (choose)))
      (should (equal (line) (concat "- *Paris* is the capital of " (car words)))))))

(ert-deftest in-a-comment-of-a-program ()
  (with-document "module.py" "# This function returns the [MASK]\n"
    (goto-char (line-end-position))
    (let ((words (choose)))
      (should (equal (line) (concat "# This function returns the " (car words)))))))

(ert-deftest hover ()
  (with-document "letter.txt" "Paris is the [MASK] of France.\n"
    (search-forward "[MA")
    (let (shown)
      (eglot-hover-eldoc-function (lambda (text &rest _) (setq shown text)))
      (wait-for "the hover" (lambda () shown))
      (should (string-match-p "capital" shown))
      (should (string-match-p "Entropy" shown)))))

(ert-deftest hints ()
  (skip-unless (fboundp 'eglot-inlay-hints-mode))
  (with-document "letter.txt" "Paris is the [MASK] of France.\n"
    (should eglot-inlay-hints-mode)
    (eglot--update-hints-1 (point-min) (point-max))
    (wait-for "a hint" (lambda ()
                         (seq-some (lambda (overlay)
                                     (string-match-p "%" (or (overlay-get overlay 'after-string)
                                                             (overlay-get overlay 'before-string) "")))
                                   (overlays-in (point-min) (point-max)))))))

(ert-deftest code-action ()
  (with-document "letter.txt" "Paris is the [MASK] of France.\n"
    (search-forward "[MA")
    (let* (titles
           (completing-read-function (lambda (_prompt table &rest _)
                                       (setq titles (all-completions "" table))
                                       (car titles))))
      (call-interactively #'eglot-code-actions)
      (should (string-prefix-p "Fill with" (car titles)))
      (wait-for "the word" (lambda () (not (string-match-p "MASK" (text)))))
      (undone)
      (should (equal (line) "Paris is the [MASK] of France.")))))

(ert-deftest fill-all-is-one-step-of-undo ()
  (let ((text "Paris is the [MASK] of France. It is a [MASK] city.\n\nThe sky is [MASK].\n"))
    (with-document "letter.txt" text
      (fillmask-fill-all)
      (should-not (string-match-p "MASK" (text)))
      (undone)
      (should (equal (text) text)))))

(ert-deftest hide-words-of-the-region-and-put-them-back ()
  (let ((text "The quick brown fox jumps over the lazy dog.\n"))
    (with-document "letter.txt" (concat text text)
      (transient-mark-mode 1)
      (set-mark (point-min))
      (goto-char (line-end-position))
      (activate-mark)
      (fillmask-mask 0.8)
      (should (string-match-p "MASK.*\n.*fox" (text)))
      (deactivate-mark)
      (fillmask-unmask)
      (should (equal (text) (concat text text))))))

(ert-deftest reports ()
  (with-document "letter.txt" "The quick brown fox jumps over the lazy dog.\n"
    (fillmask-inspect)
    (with-current-buffer "*fillmask*"
      (should (string-match-p "Perplexity" (text))))
    (should (string-match-p "ready, embedded" (fillmask-status)))))

(ert-deftest without-a-server-the-user-is-told-what-to-do ()
  (with-temp-buffer
    (should (string-match-p "M-x fillmask" (cadr (should-error (fillmask-fill-all) :type 'user-error))))))
;;; eglot-test.el ends here
