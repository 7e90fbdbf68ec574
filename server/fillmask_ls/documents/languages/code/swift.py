"""Swift."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_swift",
    query="""
        [(comment) (multiline_comment)] @comment
        [(line_string_literal) (multi_line_string_literal) (raw_string_literal)] @string
        (interpolated_expression) @interpolation
    """,
)
