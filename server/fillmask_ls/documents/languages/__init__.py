"""One file a language: which characters are prose, and how they read without their markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

BREAK = "\n\n"


class Piece(NamedTuple):
    """Characters of the source, from ``start`` up to ``end``, and how they read: mostly as they are.

    A blank line among the pieces of a text ends a paragraph.
    """

    start: int
    end: int
    text: str


class Token(NamedTuple):
    """A lexer's token: Pygments' type, and the characters from ``start`` on."""

    start: int
    kind: Any
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def piece(self, text: str | None = None) -> Piece:
        """The token read as ``text``, by default as it is."""
        return Piece(self.start, self.end, self.text if text is None else text)

    def inside(self, left: int, right: int) -> Piece:
        """The token without its first ``left`` and its last ``right`` characters."""
        end = max(left, len(self.text) - right)
        return Piece(self.start + left, self.start + end, self.text[left:end])

    def gap(self) -> Piece:
        """The end of a paragraph in place of the token."""
        return Piece(self.start, self.start, BREAK)


def tokens(lexer: str, text: str) -> Iterator[Token]:
    """The tokens of a text in one of Pygments' languages, by its name there."""
    # Not get_tokens(): it changes blanks at the ends, and with them every position.
    for start, kind, value in _lexer(lexer).get_tokens_unprocessed(text):
        yield Token(start, kind, value)


@lru_cache(maxsize=16)
def _lexer(name: str) -> Any:
    from pygments.lexers import get_lexer_by_name

    return get_lexer_by_name(name)


def blanked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """``text`` with the characters of ``spans`` made blanks, line ends kept."""
    parts = []
    end = 0
    for start, stop in spans:
        parts += [text[end:start], "".join(c if c == "\n" else " " for c in text[start:stop])]
        end = stop
    return "".join([*parts, text[end:]])
