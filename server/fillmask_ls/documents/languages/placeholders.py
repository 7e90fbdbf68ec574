"""Code and formulas in prose, as in ``"Hello, $name"``: a name reads as itself, other code as a placeholder word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .fragments import Fragment

PLACEHOLDER = "x"
SIMPLE_FORMULA = re.compile(r"[\w ,.+=<>()-]{1,12}\Z")
"""Formulas that read as themselves."""
_MAX_LENGTH = 2_000
_BRACKETS = {"{": "}", "(": ")", "[": "]"}
_BRACKETED = re.compile(r"[$#@\\%]{0,2}[{(]")
_UNBRACKETED = re.compile(r"[$@]+\w+|%(?:\(\w+\))?[-+#0-9.]*[a-zA-Z]")
_STRING = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", re.DOTALL)
_NAME = re.compile(
    r"(?:%(?=\()|[$#@\\]*)[{(]*\s*\$?(?:\w+\.)*(?P<name>[^\W\d]\w*)\s*(?:![a-z])?(?::[^{}]*)?\s*[})]*[a-z]?"
)
# What languages with interpolation agree on, and the directives of format strings.
_IN_ANY_STRING = re.compile(
    r"(?<!\\)(?:\$\{[^{}\n]{0,200}\}|#\{[^{}\n]{0,200}\}|\{\{[^{}\n]{0,200}\}\}|\{[\w.!:]{0,40}\}"
    r"|\$[a-zA-Z_]\w*|%(?:\(\w+\))?[-+#0-9.]*[sdifgxqvuwT@](?![a-zA-Z]))"
)


def interpolation_end(source: str, start: int) -> int | None:
    """Return the end of the interpolated code at ``start``; None if there is none."""
    bracketed = _BRACKETED.match(source, start)
    if not bracketed:
        name = _UNBRACKETED.match(source, start)
        return name.end() if name else None
    position, closers = bracketed.end(), [_BRACKETS[bracketed[0][-1]]]
    while closers and position < min(len(source), start + _MAX_LENGTH):
        string = _STRING.match(source, position)
        if string:
            position = string.end()
            continue
        if source[position] == closers[-1]:
            closers.pop()
        elif source[position] in _BRACKETS:
            closers.append(_BRACKETS[source[position]])
        position += 1
    return None if closers else position


def placeholder(source: str, start: int, end: int) -> list[Fragment]:
    """Return fragments for interpolated code: its name, if it is a variable or an attribute."""
    name = _NAME.fullmatch(source, start, end)
    if not name:
        return [Fragment(start, end, PLACEHOLDER)]
    name_start, name_end = name.span("name")
    return [
        Fragment(start, name_start, ""),
        Fragment(name_start, name_end, name["name"]),
        Fragment(name_end, end, ""),
    ]


def find_placeholders(source: str, start: int, end: int) -> Iterator[Fragment]:
    """Yield the fragments of all variables in a string that most languages write in the same way."""
    for match in _IN_ANY_STRING.finditer(source, start, end):
        yield from placeholder(source, *match.span())
