"""Languages, markup, words and whitespace that random documents consist of."""

from fillmask_ls import MASK

LANGUAGES = [
    "c", "gitcommit", "html", "javascript", "latex", "markdown", "org", "plaintext", "python", "rst", "typst",
]  # fmt: skip
MARKUP = [
    "*", "**", "_", "`", "```\n", "[", "](", ")", "<b>", "</b>", "<!--", "-->", "<code>", "</code>", "&amp;",
    "\\", "\\[", "\\]", "$", "{", "}", "\\begin{a}", "\\cite{", "\\texttt{", "%", "#", "# ", "//", "/*", "*/",
    '"', "'", '"""', "- ", "> ", "| ", ":: ", ".. note::", "\n=====\n", "---\n", "#+begin_src\n", "= ", "#f(",
    "@x", "x = ", ";\n", "~",
]  # fmt: skip
WORDS = [MASK, MASK, "word", "don't", "Ünï", "😀", "ℳ", ". "]
WHITESPACE = [" ", "  ", "\t", "\n", "\n\n", "\r\n", "\r", "\f", "\u2028"]
