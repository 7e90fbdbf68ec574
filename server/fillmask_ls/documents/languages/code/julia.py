"""Julia."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_julia",
    query="""
        [(line_comment) (block_comment)] @comment
        (string_literal) @string
        (string_interpolation) @interpolation
    """,
)
