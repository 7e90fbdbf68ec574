"""Spans of characters, and the one function that replaces them."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]
"""Character indexes in a text: the first, and the one after the last."""


def replace_spans(text: str, replacements: Iterable[tuple[Span, str]]) -> str:
    """Return ``text`` with each span replaced; spans are in order and do not overlap.

    >>> replace_spans("The [MASK] sat.", [((4, 10), "cat")])
    'The cat sat.'
    """
    parts: list[str] = []
    end = 0
    for (start, stop), replacement in replacements:
        parts += [text[end:start], replacement]
        end = stop
    return "".join([*parts, text[end:]])
