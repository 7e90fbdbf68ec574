"""TypeScript with JSX."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_typescript",
    grammar_function="language_tsx",
    query="""
        (comment) @comment
        [(string) (template_string) (jsx_text)] @string
        (template_substitution) @interpolation
    """,
)
