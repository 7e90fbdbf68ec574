"""YAML: its values; a word without a blank is a value of a program."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_yaml",
    string_tokens=("Literal.Scalar.Plain", "Name.Constant", "Name.Variable"),
    markers=((r"[|>][-+0-9]*[ \t]*(?:#.*)?\n", ""),),
    query=r"""
        (comment) @comment
        [(double_quote_scalar) (single_quote_scalar) (block_scalar)] @string
        ((plain_scalar) @string (#match? @string "[ \\n]"))
    """,
)
