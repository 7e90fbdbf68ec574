"""C++."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_cpp",
    markers=((r"(?:u8|[uUL])?R\"\w*\(", r"\)\w*\""),),
    query="""
        (comment) @comment
        [(string_literal) (raw_string_literal)] @string
    """,
)
