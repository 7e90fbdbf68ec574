"""R, with the comments of roxygen."""

from ..code_language import CodeLanguage

LANGUAGE = CodeLanguage(markers=((r"#+'", ""),))
