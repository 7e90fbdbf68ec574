"""OCaml."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_ocaml",
    grammar_function="language_ocaml",
    query="""
        (comment) @comment
        [(string) (quoted_string)] @string
    """,
)
