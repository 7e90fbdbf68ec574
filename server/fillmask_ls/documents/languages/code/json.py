"""JSON: its values, and comments."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_json",
    query="""
        (comment) @comment
        [(pair value: (string) @string) (array (string) @string) (document (string) @string)]
    """,
)
