"""JavaScript, with JSX."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_javascript",
    query="""
        (comment) @comment
        [(string) (template_string) (jsx_text)] @string
        (template_substitution) @interpolation
    """,
)
