"""C."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_c",
    query="""
        (comment) @comment
        (string_literal) @string
    """,
)
