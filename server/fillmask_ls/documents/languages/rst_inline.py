"""The text inside a paragraph of reStructuredText, without roles, targets and references."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .fragments import Fragment
from .placeholders import PLACEHOLDER, SIMPLE_FORMULA

# In order: escapes, literals, roles, links and targets, bold, emphasis, substitutions, footnotes, references.
_MARKUP = re.compile(
    r"""\\(?P<escape>\s|.)
    | ``(?P<literal>(?:(?!``).){1,500}?)``(?!`)
    | (?::(?P<role>[\w:.+-]{1,60}):)?_?`(?P<quoted>(?:\\.|[^`\\]){1,1000})`(?P<suffix>_{1,2}(?!\w)|:[\w:.+-]{1,60}:)?
    | \*\*(?P<strong>\S(?:(?:(?!\*\*).){0,500}\S)??)\*\*
    | (?<![\w*])\*(?P<emphasis>[^\s*](?:[^*]{0,500}[^\s*])??)\*(?!\w)
    | (?<!\w)\|(?P<substitution>[^|\s](?:[^|\n]{0,100}[^|\s])?)\|_{0,2}(?!\w)
    | (?P<footnote>\s?\[(?:[\#*\d]|[\w.-]{1,60}(?=\]_))[\w.-]{0,60}\]_)(?!\w)
    | (?<=\w)(?P<reference>__?)(?!\w)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(r"[~!]?(?P<text>.*?)(?:\s*<[^<>]*>)?\Z", re.DOTALL)


def inline_fragments(source: str, start: int, end: int) -> Iterator[Fragment]:
    """Yield the prose of a part of a paragraph."""
    for match in _MARKUP.finditer(source, start, end):
        yield Fragment(start, match.start(), source[start : match.start()])
        start = match.end()
        name = match.lastgroup if match.lastgroup not in ("suffix", "role") else "quoted"
        if name in ("footnote", "reference"):
            continue
        low, high = match.span(name or 0)
        if name == "escape" and match["escape"].isspace():
            continue
        if name == "quoted":
            if match["role"] == "math" and not SIMPLE_FORMULA.match(match["quoted"]):
                yield Fragment(match.start(), match.end(), PLACEHOLDER)
                continue
            quoted = _QUOTED.match(source, low, high)
            low, high = quoted.span("text") if quoted and quoted["text"] else (low, high)
            if source.startswith("~", match.start("quoted")):
                low = source.rfind(".", low, high) + 1 or low
        yield Fragment(match.start(), low, "")
        yield Fragment(low, high, source[low:high])
    yield Fragment(start, end, source[start:end])
