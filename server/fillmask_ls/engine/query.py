"""What is asked of a model, what comes back, and who answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, cast

# All are part of the answers, and have their home here for whoever asks.
from fillmask_ls.mlm.results import Form as Form
from fillmask_ls.mlm.results import Inspection as Inspection
from fillmask_ls.mlm.results import JointFill as JointFill
from fillmask_ls.mlm.results import MaskPrediction as MaskPrediction
from fillmask_ls.mlm.results import Score as Score
from fillmask_ls.mlm.results import Surprise as Surprise
from fillmask_ls.mlm.results import Word as Word

Span = tuple[int, int]


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
    masks: tuple[Span, ...]
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


@dataclass(frozen=True, slots=True)
class JointQuery:
    """A passage whose masks are to be filled together, in the ``top_k`` best ways; otherwise as :class:`Query`.

    ``asked``: the number of the first mask to fill and that behind the last; by default all.
    """

    text: str
    masks: tuple[Span, ...]
    top_k: int
    asked: tuple[int, int] | None = None
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class HiddenQuery:
    """A passage and the ``words`` that its masks hide."""

    text: str
    masks: tuple[Span, ...]
    words: tuple[str, ...]
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class ReplacementQuery:
    """A passage and the span of a word in it that ``top_k`` others could replace."""

    text: str
    span: Span
    top_k: int
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class TargetQuery:
    """A passage with masks, and the ``targets`` to rank at the mask number ``mask``."""

    text: str
    masks: tuple[Span, ...]
    targets: tuple[str, ...]
    mask: int = 0
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class SurpriseQuery:
    """A text whose words are to be scored, and beside each the ``top_k`` that the model would have said.

    ``spans``: only the words that lie in one of these; by default all.
    """

    text: str
    top_k: int
    spans: tuple[Span, ...] | None = None
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class ScoreQuery:
    """A text to score, as :func:`~fillmask_ls.mlm.scoring.score` does."""

    text: str
    form: Form = "word_l2r"
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class MaskingQuery:
    """A text to mask at random; the fields are those of :func:`~fillmask_ls.mlm.inspection.inspect`."""

    text: str
    rate: float = 0.15
    seed: int = 0
    whole_words: bool = False
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class InspectionQuery(MaskingQuery):
    """The same, with what the model makes of it."""


Question = Query | JointQuery | HiddenQuery | ReplacementQuery | TargetQuery | SurpriseQuery | ScoreQuery | MaskingQuery


class EngineError(Exception):
    """No answer can be given; the message says why, in words for the user."""


class OvertakenError(EngineError):
    """A model was not loaded because another was chosen meanwhile: nothing that a user need hear of."""


class Engine(ABC):
    """Whoever answers questions about texts.

    Cancelling a call drops it if it has not begun. Each raises :class:`EngineError` when there is no model, or it failed.
    """

    @abstractmethod
    async def answer(self, question: Question) -> Any:
        """The answer to a question of any kind, of the type that its call below has."""

    async def rank(self, query: Query) -> Ranking:
        """The words for each mask by itself."""
        return cast(Ranking, await self.answer(query))

    async def fill(self, query: JointQuery) -> list[JointFill]:
        """The words for all masks together, the best first."""
        return cast("list[JointFill]", await self.answer(query))

    async def loss(self, query: HiddenQuery) -> float:
        """Of the words that the masks hide: the mean cross-entropy of their tokens in nats, 0 or more."""
        return cast(float, await self.answer(query))

    async def replace(self, query: ReplacementQuery) -> list[Word]:
        """Other words for one that stands, the best first."""
        return cast("list[Word]", await self.answer(query))

    async def rank_targets(self, query: TargetQuery) -> list[Word]:
        """The targets, each once, the best first."""
        return cast("list[Word]", await self.answer(query))

    async def surprise(self, query: SurpriseQuery) -> list[Surprise]:
        """What the model thinks of each word, in their order."""
        return cast("list[Surprise]", await self.answer(query))

    async def score(self, query: ScoreQuery) -> Score:
        """The pseudo-log-likelihood of a text, token by token."""
        return cast(Score, await self.answer(query))

    async def choose(self, query: MaskingQuery) -> list[Span]:
        """The spans of the words or pieces that a random masking hides, in order."""
        return cast("list[Span]", await self.answer(query))

    async def inspect(self, query: InspectionQuery) -> Inspection:
        """The whole masked-language-model walk over a text."""
        return cast(Inspection, await self.answer(query))
