"""What a command over many texts computes and shows; :mod:`.runner` does the rest."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fillmask_ls import MASK

from .inputs import Input
from .items import Item
from .records import Answer, Record

if TYPE_CHECKING:
    from rich.console import Console

NO_MASK = f"there is no {MASK}"
"""What errors about texts without a mask begin with."""

_OTHER_MASK = re.compile(r"<mask>|\[mask\]", re.IGNORECASE)


class Task(ABC):
    """A command's own part of a run over many texts.

    Attributes:
        columns: the names of the values in a row of a table, in their order.
        requires: columns of a table that each row must have, beside the text.
        reads_text: whether a row has its text in one column.
        needs_masks: whether texts without masks have nothing to compute.
        is_alone: whether the user typed one text and nothing else.
        shows_names: whether :meth:`show` prints each item's name.
    """

    columns: Sequence[str]
    requires: tuple[str, ...] = ()
    reads_text = True
    needs_masks = False
    is_alone = False
    shows_names = False

    def split(self, source: Input, text: str) -> Iterator[Item]:
        """Yield the items of a document or of a text that the user typed."""
        raise NotImplementedError

    def check(self, item: Item) -> str:
        """Return why nothing can be computed for an item; empty if it can. Needs no model."""
        if self.needs_masks:
            return missing_mask(item.text)
        return "" if item.text.strip() or not self.reads_text else "there is no text"

    @abstractmethod
    def answer(self, items: Sequence[Item]) -> Sequence[Sequence[Answer]]:
        """Return the answers for each item, in order. An exception other than a CommandError is one item's fault."""

    def show(self, console: Console, item: Item, answers: Sequence[Answer]) -> None:
        """Print answers for people."""
        raise NotImplementedError

    def add(self, item: Item, answer: Answer) -> None:  # noqa: B027 - most commands have no summary
        """Take an answer into the summary."""

    def add_written(self, record: Record) -> None:  # noqa: B027
        """Take a record of an earlier run into the summary; its numbers can be text."""

    @property
    def has_summary(self) -> bool:
        """Whether the command prints a summary instead of each answer."""
        return False

    def summary(self) -> Sequence[Record]:
        """Return the records of the summary."""
        return []


def missing_mask(text: str) -> str:
    """Return what to do about a text without a mask; empty if it has one."""
    if MASK in text:
        return ""
    other = _OTHER_MASK.search(text)
    return f"{NO_MASK}. Write {MASK} instead of {other[0]}" if other else NO_MASK
