"""The comments and strings of a source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from .fragments import Fragment


class Kind(Enum):
    """The kind of a comment or string. A docstring is a string that its language reads as a comment."""

    COMMENT = auto()
    DOC = auto()
    STRING = auto()


@dataclass(frozen=True, slots=True)
class CodeText:
    """A comment or string, with its markers.

    Attributes:
        start: its index in the source.
        replaced: parts that read differently, in order, as code that is interpolated in a string.
    """

    start: int
    text: str
    kind: Kind
    replaced: tuple[Fragment, ...] = ()

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def contains(self, index: int) -> bool:
        """Return whether it contains the character at ``index``, and not in interpolated code."""
        return self.start <= index < self.end and not any(
            start <= index < end for start, end, text in self.replaced if len(text) != end - start
        )
