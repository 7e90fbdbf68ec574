"""Haskell."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_haskell",
    query="""
        ([(comment) (haddock)] @comment (#not-match? @comment "^--"))
        ([(comment) (haddock)] @lines (#match? @lines "^--"))
        [(string) (quasiquote_body)] @string
    """,
)
