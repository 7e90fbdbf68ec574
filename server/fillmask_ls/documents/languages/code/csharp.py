"""C#."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_c_sharp",
    query="""
        (comment) @comment
        [
          (string_literal) (verbatim_string_literal) (raw_string_literal) (interpolated_string_expression)
        ] @string
        (interpolation) @interpolation
    """,
)
