"""The markers that start and end comments and strings, in any language."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from fillmask_ls.spans import Span

Markers = tuple[tuple[str, str], ...]

_QUOTE = r"""[a-zA-Z@$&]{0,3}#{0,3}(?P<quote>\"{3}|'{3}|["'`])"""
# A heredoc is followed by its label, which also ends it.
_HEREDOC = r"<<[<~-]?[ \t]*[\"']?(?P<label>\w+)[\"']?[^\n]*\n"
# How a comment or string starts, and how it then ends. A comment up to the line's end has no end marker.
_MARKERS = [
    (r"/\*+[!<]*", r"\*+/"),
    (r"//+[!<]*", ""),
    (r"<!--+", r"--+>"),
    (r"\(\*+", r"\*+\)"),
    (r"\{-+\|?", r"-+\}"),
    (r"--+\[=*\[", r"(?:--)?\]=*\]"),
    (r"<#", r"#>"),
    (r"#\|", r"\|#"),
    (r"#?=(?:begin\b|pod\b)?", r"=(?:end|cut|#)"),
    (r"@?rem\b|dnl\b|::", ""),
    (r"#+[!:.]?|;+|%+\{?|--+(?:\s*[|^])?|!+[<>]?|\.\\\"", ""),
    (_HEREDOC, r"\n[ \t]*\w+;?"),
    (_QUOTE, r"(?:\"{3}|'{3}|[\"'`])#{0,3}"),
]
_LONGEST_END_MARKER = 100


class Opener(NamedTuple):
    """The start of a comment or string: the length of its marker, and the marker that ends it, if there is one."""

    text: str
    closer: re.Pattern[str] | None
    quote: str


@lru_cache(maxsize=64)
def _compiled(markers: Markers) -> list[tuple[re.Pattern[str], re.Pattern[str] | None]]:
    return [
        (re.compile(opener, re.IGNORECASE), re.compile(rf"\s*(?:{closer})\s*\Z") if closer else None)
        for opener, closer in [*markers, *_MARKERS]
    ]


def find_opener(text: str, markers: Markers = ()) -> Opener:
    """Return the marker that starts a comment or string; an empty one if there is none.

    Args:
        text: starts with the marker.
        markers: regular expressions of the language's own starts and ends.
    """
    for opener, closer in _compiled(markers):
        match = opener.match(text)
        if match:
            return Opener(match[0], closer, match.groupdict().get("quote") or "")
    return Opener("", None, "")


def is_open(text: str, markers: Markers = ()) -> bool:
    """Return whether a comment or string started in ``text`` and has not ended there."""
    opener = find_opener(text, markers)
    return opener.closer is not None and not opener.closer.search(_tail(text, opener))


def content_span(text: str, markers: Markers = ()) -> Span:
    """Return the span between the markers of a comment or string."""
    opener = find_opener(text, markers)
    tail = _tail(text, opener)
    end_marker = opener.closer.search(tail) if opener.closer else None
    end = len(text) - len(tail) + end_marker.start() if end_marker else len(text)
    return len(opener.text), max(len(opener.text), end)


def _tail(text: str, opener: Opener) -> str:
    # From the opener's own line end on, as a heredoc can end in its second line.
    start = len(opener.text) - opener.text.endswith("\n")
    return text[max(start, len(text) - _LONGEST_END_MARKER) :]
