"""Fragments: the result of every module for a language."""

from __future__ import annotations

from typing import NamedTuple

PARAGRAPH_BREAK = "\n\n"


class Fragment(NamedTuple):
    """Some prose of a source: the characters from ``start`` to ``end``, and how they read without markup.

    The fragments of a source are in order. A blank line in them, such as :data:`PARAGRAPH_BREAK`, ends a paragraph.
    """

    start: int
    end: int
    text: str


def paragraph_break(index: int) -> Fragment:
    """Return a fragment that ends the paragraph at ``index``."""
    return Fragment(index, index, PARAGRAPH_BREAK)
