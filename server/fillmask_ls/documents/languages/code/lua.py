"""Lua."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_lua",
    markers=((r"\[=*\[", r"\]=*\]"),),
    query="""
        (comment) @comment
        (string) @string
    """,
)
