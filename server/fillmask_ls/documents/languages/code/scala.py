"""Scala."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_scala",
    query="""
        [(comment) (block_comment)] @comment
        [(string) (interpolated_string)] @string
        (interpolation) @interpolation
    """,
)
