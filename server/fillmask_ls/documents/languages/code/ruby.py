"""Ruby."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_ruby",
    query="""
        (comment) @comment
        [(string) (heredoc_body)] @string
        (interpolation) @interpolation
        (heredoc_end) @markup
    """,
)
