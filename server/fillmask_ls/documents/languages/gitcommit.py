"""A commit message: what git will keep of it, without its trailers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import Piece

_LINE = re.compile(r".*\n?")
_SCISSORS = re.compile(r"# -+ >8 -+")
_NOT_PROSE = re.compile(r"#|[A-Z][\w-]*-(?:by|to|id|on): ", re.IGNORECASE)


def pieces(text: str) -> Iterator[Piece]:
    """The prose of a commit message."""
    for line in _LINE.finditer(text):
        if _SCISSORS.match(line[0]):
            return
        if not _NOT_PROSE.match(line[0]):
            yield Piece(*line.span(), line[0])
