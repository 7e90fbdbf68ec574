"""PHP: the code in it; the text around the code is HTML."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_php",
    grammar_function="language_php",
    query="""
        (comment) @comment
        [(string) (encapsed_string) (heredoc_body) (nowdoc_body)] @string
        (encapsed_string (_) @interpolation (#not-match? @interpolation "^[^$]"))
        (heredoc_body (_) @interpolation (#not-match? @interpolation "^[^$]"))
    """,
)
