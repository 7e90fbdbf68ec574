"""What is asked of a model, what comes back, and who answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, cast

from fillmask_ls.mlm.results import Candidate as Candidate
from fillmask_ls.mlm.results import Inspection as Inspection
from fillmask_ls.mlm.results import JointFill as JointFill

# All are part of the answers, and have their home here for whoever asks.
from fillmask_ls.mlm.results import Metric as Metric
from fillmask_ls.mlm.results import Prediction as Prediction
from fillmask_ls.mlm.results import Score as Score
from fillmask_ls.mlm.results import WordSurprisal as WordSurprisal
from fillmask_ls.spans import Span


@dataclass(frozen=True, slots=True)
class PredictQuestion:
    """A passage and what to say about its masks.

    Attributes:
        text: plain text.
        masks: the character spans of its masks, in order, each as long as ``[MASK]``.
        top_k: how many words a mask, at least 1.
        focus: the number of the mask that ``prefix`` is about.
        prefix: what the word at ``focus`` must begin with.
        max_subwords: how many pieces of the vocabulary the word at ``focus`` may have: one is answered from one forward.
        decorates: whether nobody waits for the answer.
    """

    text: str
    masks: tuple[Span, ...]
    top_k: int
    focus: int = 0
    prefix: str = ""
    max_subwords: int = 1
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class Predictions:
    """The predictions for a query's masks, in their order, and the name of the model that made them."""

    model: str
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True, slots=True)
class FillQuestion:
    """A passage whose masks are to be filled together, in the ``top_k`` best ways; otherwise as :class:`PredictQuestion`.

    ``asked``: the number of the first mask to fill and that behind the last; by default all.
    """

    text: str
    masks: tuple[Span, ...]
    top_k: int
    asked: tuple[int, int] | None = None
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class LossQuestion:
    """A passage and the ``words`` that its masks hide."""

    text: str
    masks: tuple[Span, ...]
    words: tuple[str, ...]
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class SubstitutesQuestion:
    """A passage and the span of a word in it that ``top_k`` others could replace."""

    text: str
    span: Span
    top_k: int
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class RankTargetsQuestion:
    """A passage with masks, and the ``targets`` to rank at the mask number ``mask``."""

    text: str
    masks: tuple[Span, ...]
    targets: tuple[str, ...]
    mask: int = 0
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class SurprisalQuestion:
    """A text whose words are to be scored, and beside each the ``top_k`` that the model would have said.

    ``spans``: only the words that lie in one of these; by default all.
    """

    text: str
    top_k: int
    spans: tuple[Span, ...] | None = None
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class ScoreQuestion:
    """A text to score, as :func:`~fillmask_ls.mlm.scoring.score` does."""

    text: str
    form: Metric = "within_word_l2r"
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class SampleMaskQuestion:
    """A text to mask at random; the fields are those of :func:`~fillmask_ls.mlm.inspection.inspect`."""

    text: str
    rate: float = 0.15
    seed: int = 0
    whole_words: bool = False
    decorates: bool = False


@dataclass(frozen=True, slots=True)
class InspectQuestion(SampleMaskQuestion):
    """The same, with what the model makes of it."""


Question = (
    PredictQuestion
    | FillQuestion
    | LossQuestion
    | SubstitutesQuestion
    | RankTargetsQuestion
    | SurprisalQuestion
    | ScoreQuestion
    | SampleMaskQuestion
)


class EngineError(Exception):
    """No answer can be given; the message says why, in words for the user."""


class SupersededError(EngineError):
    """A model was not loaded because another was chosen meanwhile: nothing that a user need hear of."""


class Engine(ABC):
    """Whoever answers questions about texts.

    Cancelling a call drops it if it has not begun. Each raises :class:`EngineError` when there is no model, or it failed.
    """

    @abstractmethod
    async def answer(self, question: Question) -> Any:
        """The answer to a question of any kind, of the type that its call below has."""

    async def predict(self, query: PredictQuestion) -> Predictions:
        """The words for each mask by itself."""
        return cast(Predictions, await self.answer(query))

    async def fill_jointly(self, query: FillQuestion) -> list[JointFill]:
        """The words for all masks together, the best first."""
        return cast("list[JointFill]", await self.answer(query))

    async def hidden_loss(self, query: LossQuestion) -> float:
        """Of the words that the masks hide: the mean cross-entropy of their tokens in nats, 0 or more."""
        return cast(float, await self.answer(query))

    async def substitutes(self, query: SubstitutesQuestion) -> list[Candidate]:
        """Other words for one that stands, the best first."""
        return cast("list[Candidate]", await self.answer(query))

    async def rank_targets(self, query: RankTargetsQuestion) -> list[Candidate]:
        """The targets, each once, the best first."""
        return cast("list[Candidate]", await self.answer(query))

    async def word_surprisals(self, query: SurprisalQuestion) -> list[WordSurprisal]:
        """What the model thinks of each word, in their order."""
        return cast("list[WordSurprisal]", await self.answer(query))

    async def score(self, query: ScoreQuestion) -> Score:
        """The pseudo-log-likelihood of a text, token by token."""
        return cast(Score, await self.answer(query))

    async def sample_mask(self, query: SampleMaskQuestion) -> list[Span]:
        """The spans of the words or pieces that a random masking hides, in order."""
        return cast("list[Span]", await self.answer(query))

    async def inspect(self, query: InspectQuestion) -> Inspection:
        """The whole masked-language-model walk over a text."""
        return cast(Inspection, await self.answer(query))
