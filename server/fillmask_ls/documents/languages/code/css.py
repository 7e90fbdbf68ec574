"""CSS."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_css",
    query="""
        (comment) @comment
        (string_value) @string
    """,
)
