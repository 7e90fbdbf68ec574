"""Spans of characters, and the one function that replaces them."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]
"""Character indexes in a text: the start, and the end, which the span excludes."""


def replace_spans(text: str, replacements: Iterable[tuple[Span, str]]) -> str:
    """Return ``text`` with each span replaced; the spans are in order and do not overlap.

    >>> replace_spans("The [MASK] sat.", [((4, 10), "cat")])
    'The cat sat.'
    """
    parts: list[str] = []
    copied = 0
    for (start, end), replacement in replacements:
        parts += [text[copied:start], replacement]
        copied = end
    return "".join([*parts, text[copied:]])
