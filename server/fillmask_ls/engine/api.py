"""What is asked of a model, what comes back, and who answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
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
    """

    text: str
    masks: tuple[Span, ...]
    top_k: int
    focus: int = 0
    prefix: str = ""
    max_subwords: int = 1


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


@dataclass(frozen=True, slots=True)
class LossQuestion:
    """A passage and the ``words`` that its masks hide."""

    text: str
    masks: tuple[Span, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubstitutesQuestion:
    """A passage and the span of a word in it that ``top_k`` others could replace."""

    text: str
    span: Span
    top_k: int


@dataclass(frozen=True, slots=True)
class RankTargetsQuestion:
    """A passage with masks, and the ``targets`` to rank at the mask number ``mask``."""

    text: str
    masks: tuple[Span, ...]
    targets: tuple[str, ...]
    mask: int = 0


@dataclass(frozen=True, slots=True)
class SurprisalQuestion:
    """A text whose words are to be scored, and beside each the ``top_k`` that the model would have said.

    ``spans``: only the words that lie in one of these; by default all.
    """

    text: str
    top_k: int
    spans: tuple[Span, ...] | None = None


@dataclass(frozen=True, slots=True)
class ScoreQuestion:
    """A text to score, as :func:`~fillmask_ls.mlm.scoring.score` does."""

    text: str
    form: Metric = "within_word_l2r"


@dataclass(frozen=True, slots=True)
class SampleMaskQuestion:
    """A text to mask at random; the fields are those of :func:`~fillmask_ls.mlm.inspection.inspect`."""

    text: str
    rate: float = 0.15
    seed: int = 0
    whole_words: bool = False


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


class Priority(IntEnum):
    """How urgent an answer is; the lowest value runs first."""

    LOADING = 0
    """Loading a model: nothing can be answered before."""
    INTERACTIVE = 1
    """The user waits for the answer: completion, hover, commands."""
    HINT = 2
    """The editor shows the answer when it arrives: inlay hints, code lenses, outline."""
    BACKGROUND = 3
    """Much work that nobody waits for: diagnostics, which score each word of a document, and prefetching."""


class Engine(ABC):
    """Interface of an engine: local, remote or both.

    Cancelling a call before its computation has begun drops it. Each method raises :class:`EngineError` if there is no
    model, or if the model failed.
    """

    @abstractmethod
    async def answer(self, question: Question, priority: Priority = Priority.INTERACTIVE) -> Any:
        """Answer a question of any kind; the answer has the type that the question's own method returns."""

    async def predict(self, question: PredictQuestion, priority: Priority = Priority.INTERACTIVE) -> Predictions:
        """Predict each mask by itself."""
        return cast(Predictions, await self.answer(question, priority))

    async def predict_early(self, question: PredictQuestion) -> Predictions:
        """Predict as a completion needs it: an engine may answer with whole-word candidates first and prefetch the rest."""
        return await self.predict(question)

    async def fill_jointly(self, question: FillQuestion, priority: Priority = Priority.INTERACTIVE) -> list[JointFill]:
        """Return the best ways to fill all masks together, best first."""
        return cast("list[JointFill]", await self.answer(question, priority))

    async def hidden_loss(self, question: LossQuestion, priority: Priority = Priority.INTERACTIVE) -> float:
        """Return the mean cross-entropy of the hidden words' tokens, in nats, at least 0."""
        return cast(float, await self.answer(question, priority))

    async def substitutes(
        self, question: SubstitutesQuestion, priority: Priority = Priority.INTERACTIVE
    ) -> list[Candidate]:
        """Return lexical substitutes of a word, best first."""
        return cast("list[Candidate]", await self.answer(question, priority))

    async def rank_targets(
        self, question: RankTargetsQuestion, priority: Priority = Priority.INTERACTIVE
    ) -> list[Candidate]:
        """Return the targets, each once, best first."""
        return cast("list[Candidate]", await self.answer(question, priority))

    async def word_surprisals(
        self, question: SurprisalQuestion, priority: Priority = Priority.INTERACTIVE
    ) -> list[WordSurprisal]:
        """Return the surprisal of each word, in the text's order."""
        return cast("list[WordSurprisal]", await self.answer(question, priority))

    async def score(self, question: ScoreQuestion, priority: Priority = Priority.INTERACTIVE) -> Score:
        """Return the pseudo-log-likelihood of a text, token by token."""
        return cast(Score, await self.answer(question, priority))

    async def sample_mask(self, question: SampleMaskQuestion, priority: Priority = Priority.INTERACTIVE) -> list[Span]:
        """Return the spans of the words or subwords that random masking hides, in order."""
        return cast("list[Span]", await self.answer(question, priority))

    async def inspect(self, question: InspectQuestion, priority: Priority = Priority.INTERACTIVE) -> Inspection:
        """Mask a text at random, predict the masks and compare the predictions with the text."""
        return cast(Inspection, await self.answer(question, priority))
