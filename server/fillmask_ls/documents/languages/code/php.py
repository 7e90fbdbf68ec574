"""PHP: the code in it; the text around the code is HTML."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_php",
    grammar_function="language_php",
    query="""
        (comment) @comment
        [(string) (encapsed_string) (heredoc_body) (nowdoc_body)] @string
        (encapsed_string [(variable_name) (member_access_expression) (subscript_expression)] @interpolation)
        (heredoc_body [(variable_name) (member_access_expression) (subscript_expression)] @interpolation)
    """,
)
