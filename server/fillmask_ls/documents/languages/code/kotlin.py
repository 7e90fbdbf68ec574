"""Kotlin."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_kotlin",
    query="""
        [(line_comment) (block_comment)] @comment
        [(string_literal) (multiline_string_literal)] @string
        (interpolation) @interpolation
    """,
)
