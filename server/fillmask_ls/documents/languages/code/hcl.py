"""Terraform and other HCL."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    grammar="tree_sitter_hcl",
    query="""
        (comment) @comment
        [(string_lit) (quoted_template) (heredoc_template)] @string
        [(template_interpolation) (template_directive)] @interpolation
        [(heredoc_start) (heredoc_identifier)] @markup
    """,
)
