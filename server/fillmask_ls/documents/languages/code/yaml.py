"""YAML: its values. It has no grammar here: that of PyPI crashes the process at deeply nested lists."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(
    string_tokens=("Literal.Scalar.Plain", "Name.Constant", "Name.Variable"),
    markers=((r"[|>][-+0-9]*[ \t]*(?:#.*)?\n", ""),),
    slow_marks="&*!",
    min_words=41,
)
