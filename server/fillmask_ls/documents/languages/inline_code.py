"""Inline code: the parts of prose that its markup marks as code."""

from __future__ import annotations

import regex

from fillmask_ls.spans import Span

_BACKTICKS = r"(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\s*\n).){1,500}?(?<!`)(?P=ticks)(?!`)"
_ELEMENT = r"<(?P<tag>code|kbd|samp|tt|var)\b[^<>]*>(?:(?!\n\s*\n).){1,500}?</(?P=tag)\s*>"
_LATEX_COMMAND = (
    r"\\(?:texttt|path|url)\{[^{}\n]{1,500}\}|\\(?:verb\*?|lstinline)(?P<bar>[^\w\s*{\\])[^\n]{1,500}?(?P=bar)"
)
_ORG_MARKER = r"(?<!\w)(?P<mark>[=~])(?!\s)[^\n]{1,500}?(?P=mark)(?!\w)"
_PATTERNS = {
    "html": regex.compile(_ELEMENT, regex.DOTALL),
    "latex": regex.compile(_LATEX_COMMAND, regex.DOTALL),
    "org": regex.compile(_ORG_MARKER, regex.DOTALL),
}
_DEFAULT_PATTERN = regex.compile(f"{_BACKTICKS}|{_ELEMENT}", regex.DOTALL)


def find_inline_code(source: str, language: str) -> list[Span]:
    """Return the spans of inline code with its markup, in order.

    Args:
        source: a document, or a part of it.
        language: from :func:`~fillmask_ls.documents.languages.registry.find_language`.
    """
    return [match.span() for match in _PATTERNS.get(language, _DEFAULT_PATTERN).finditer(source)]
