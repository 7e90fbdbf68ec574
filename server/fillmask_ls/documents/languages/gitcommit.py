"""Commit messages: the lines that git keeps, without trailers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .fragments import Fragment

_LINE = re.compile(r".*\n?")
_SCISSORS = re.compile(r"# -+ >8 -+")
_COMMENT_OR_TRAILER = re.compile(r"#|[A-Z][\w-]*-(?:by|to|id|on): ", re.IGNORECASE)


def fragments(source: str) -> Iterator[Fragment]:
    """Yield the prose of a commit message."""
    for line in _LINE.finditer(source):
        if _SCISSORS.match(line[0]):
            return
        if not _COMMENT_OR_TRAILER.match(line[0]):
            yield Fragment(*line.span(), line[0])
