"""Elixir."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_elixir",
    query="""
        (comment) @comment
        [(string) (charlist) (sigil)] @string
        (interpolation) @interpolation
    """,
)
