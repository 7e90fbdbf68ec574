"""Rust."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_rust",
    query="""
        [(line_comment) (block_comment)] @comment
        [(string_literal) (raw_string_literal)] @string
    """,
)
