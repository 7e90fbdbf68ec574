"""TypeScript."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_typescript",
    grammar_function="language_typescript",
    query="""
        (comment) @comment
        [(string) (template_string)] @string
        (template_substitution) @interpolation
    """,
)
