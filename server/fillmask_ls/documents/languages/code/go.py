"""Go."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_go",
    query="""
        (comment) @comment
        [(interpreted_string_literal) (raw_string_literal)] @string
    """,
)
