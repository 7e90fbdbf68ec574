"""Python."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_python",
    query="""
        (comment) @comment
        (expression_statement (string) @doc)
        (string) @string
        (interpolation) @interpolation
    """,
)
