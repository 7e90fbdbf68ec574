"""Bash and other shells."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_bash",
    query="""
        (comment) @comment
        [(string) (raw_string) (ansi_c_string) (heredoc_body)] @string
        [(simple_expansion) (expansion) (command_substitution) (arithmetic_expansion)] @interpolation
    """,
)
