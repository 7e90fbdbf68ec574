"""What is asked of a model, what comes back, and who answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fillmask_ls.mlm.prediction import MaskPrediction


@dataclass(frozen=True, slots=True)
class Query:
    """A passage and what to say about its masks.

    Attributes:
        text: plain text.
        masks: the character spans of its masks, in order, each as long as ``[MASK]``.
        top_k: how many words a mask, at least 1.
        focus: the number of the mask that ``prefix`` is about.
        prefix: what the word at ``focus`` must begin with.
        max_pieces: how many pieces of the vocabulary the word at ``focus`` may have: one is answered from one forward.
        decorates: whether nobody waits for the answer.
    """

    text: str
    masks: tuple[tuple[int, int], ...]
    top_k: int
    focus: int = 0
    prefix: str = ""
    max_pieces: int = 1
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """The predictions for a query's masks, in their order, and the name of the model that made them."""

    model: str
    masks: tuple[MaskPrediction, ...]


class EngineError(Exception):
    """No answer can be given; the message says why, in words for the user."""


class OvertakenError(EngineError):
    """A model was not loaded because another was chosen meanwhile: nothing that a user need hear of."""


class Engine(Protocol):
    """Whoever answers queries."""

    async def rank(self, query: Query) -> Ranking:
        """Answer ``query``; cancelling the call drops it if it has not begun.

        Raises:
            EngineError: there is no model, or it failed.
        """
        ...
