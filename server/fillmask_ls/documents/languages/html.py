"""HTML and its templates: the text between the tags."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape

import regex

from fillmask_ls.spans import Span

from .fragments import Fragment, paragraph_break
from .placeholders import placeholder

_INLINE = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
    "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u",
    "var", "wbr"
}  # fmt: skip
_NOT_PROSE = {"pre", "script", "style", "svg", "math", "textarea", "xmp"}
# As browsers do: a tag starts with a letter directly after the bracket.
_TOKEN = regex.compile(
    r"""(?P<hidden><!--.*?--> | <[!?][^<>]*+> | <%[^%<]{0,200}+%> | \{[%\#][^%\#{}]{0,200}+[%\#]\} | \{[\#:/@][^{}\n]{1,200}\})
    | (?P<code>\{\{\{?[^{}\n]{1,200}\}?\}\} | \{!![^{}\n]{1,200}!!\} | (?<!\{)\{[\w.]{1,60}\})
    | <(?P<end>/?)(?P<tag>[a-zA-Z][^\s<>/]{0,60}+)(?:[^<>"']|"[^"]{0,2000}+"|'[^']{0,2000}+'){0,2000}+>
    | (?P<entity>&(?:\#\d{1,7}|\#[xX][\da-fA-F]{1,6}|\w{1,30});)""",
    regex.DOTALL | regex.VERBOSE,
)
_CODE = regex.compile(r"<(?P<tag>script|style)\b[^<>]{0,500}+>", regex.IGNORECASE)
_ELEMENT_LANGUAGES = {"script": "javascript", "style": "css"}
_SPACES = str.maketrans("\n\t", "  ")


def fragments(source: str) -> Iterator[Fragment]:
    """Yield the prose of an HTML text; every element that is not inline is a paragraph."""
    position = 0
    while (match := _TOKEN.search(source, position)) is not None:
        start, end = match.span()
        yield Fragment(position, start, source[position:start].translate(_SPACES))
        position = end
        if match["code"]:
            yield from placeholder(source, start, end)
        elif match["entity"]:
            yield Fragment(start, end, unescape(match[0]))
        elif match["tag"]:
            tag = match["tag"].lower()
            if tag in _NOT_PROSE and not match["end"] and not match[0].endswith("/>"):
                closer = regex.compile(rf"</{tag}\b", regex.IGNORECASE).search(source, end)
                position = closer.start() if closer else len(source)
            if tag not in _INLINE:
                yield paragraph_break(end)
    yield Fragment(position, len(source), source[position:].translate(_SPACES))


def find_code_block(source: str, index: int) -> tuple[Span, str] | None:
    """Return the span and the language of the script or style that contains ``index``; None elsewhere."""
    opener = None
    for match in _CODE.finditer(source, 0, index):
        opener = match
    if opener is None or source.find(f"</{opener['tag']}", opener.end(), index) >= 0:
        return None
    end = source.find(f"</{opener['tag']}", index)
    return (opener.end(), end if end >= 0 else len(source)), _ELEMENT_LANGUAGES[opener["tag"].lower()]
