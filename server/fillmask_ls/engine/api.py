"""Questions to a model, their answers, priorities, and the interface of an engine that answers them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

# Answers are made of the library's result types; callers of an engine import them from here.
from fillmask_ls.mlm.results import Candidate as Candidate
from fillmask_ls.mlm.results import Inspection as Inspection
from fillmask_ls.mlm.results import JointFill as JointFill
from fillmask_ls.mlm.results import Metric as Metric
from fillmask_ls.mlm.results import Prediction as Prediction
from fillmask_ls.mlm.results import Score as Score
from fillmask_ls.mlm.results import TargetScore as TargetScore
from fillmask_ls.mlm.results import WordSurprisal as WordSurprisal
from fillmask_ls.spans import Span


@dataclass(frozen=True, slots=True)
class PredictQuestion:
    """Which words fit at each mask of a passage?

    Attributes:
        text: the passage, plain text.
        masks: the spans of its masks, in order, each as long as ``[MASK]``.
        top_k: the number of candidates per mask, at least 1.
        focus: the index, from 0, of the mask that ``prefix`` and ``max_subwords`` apply to.
        prefix: the letters that the candidates at ``focus`` begin with.
        max_subwords: the maximum number of subwords of a candidate at ``focus``; 1 takes a single forward step.
    """

    text: str
    masks: tuple[Span, ...]
    top_k: int
    focus: int = 0
    prefix: str = ""
    max_subwords: int = 1


@dataclass(frozen=True, slots=True)
class Predictions:
    """The answer to a :class:`PredictQuestion`: one prediction per mask, in order, and the model's name."""

    model: str
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True, slots=True)
class FillQuestion:
    """What are the ``top_k`` best ways to fill the masks of a passage together?

    Attributes:
        to_fill: the range of mask indexes to fill, from 0, as (start, stop); the other masks stay. By default all.
    """

    text: str
    masks: tuple[Span, ...]
    top_k: int
    to_fill: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class LossQuestion:
    """What is the loss of the ``words`` that the masks of a passage hide?"""

    text: str
    masks: tuple[Span, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubstitutesQuestion:
    """Which ``top_k`` words could replace the word at ``span``?"""

    text: str
    span: Span
    top_k: int


@dataclass(frozen=True, slots=True)
class RankTargetsQuestion:
    """How probable is each of the ``targets`` at the mask with index ``mask_index``, from 0, relative to the others?"""

    text: str
    masks: tuple[Span, ...]
    targets: tuple[str, ...]
    mask_index: int = 0


@dataclass(frozen=True, slots=True)
class ClozeQuestion:
    """How probable is each of the ``targets`` at the mask with index ``mask_index``, from 0, over the whole vocabulary?

    The probabilities are those of the training objective, as in transformers, see
    :func:`~fillmask_ls.mlm.targets.cloze`.
    """

    text: str
    masks: tuple[Span, ...]
    targets: tuple[str, ...]
    mask_index: int = 0


@dataclass(frozen=True, slots=True)
class SurprisalQuestion:
    """How surprising is each word of a text, and which ``top_k`` words did the model expect in its place?

    Attributes:
        spans: limits the question to the words inside these spans; by default all words.
    """

    text: str
    top_k: int
    spans: tuple[Span, ...] | None = None


@dataclass(frozen=True, slots=True)
class ScoreQuestion:
    """What is the pseudo-log-likelihood of a text, as :func:`~fillmask_ls.mlm.scoring.score` computes it?

    Attributes:
        spans: the only parts of the text to score; by default all of it.
    """

    text: str
    metric: Metric = "within_word_l2r"
    spans: tuple[Span, ...] | None = None


@dataclass(frozen=True, slots=True)
class SampleMaskQuestion:
    """Which tokens of a text does random masking hide? The fields are those of
    :func:`~fillmask_ls.mlm.inspection.inspect`."""

    text: str
    rate: float = 0.15
    seed: int = 0
    whole_words: bool = False


@dataclass(frozen=True, slots=True)
class InspectQuestion(SampleMaskQuestion):
    """What does the model predict for the tokens that random masking hides, and which ``top_k`` tokens first?"""

    top_k: int = 5


Question = (
    PredictQuestion
    | FillQuestion
    | LossQuestion
    | SubstitutesQuestion
    | RankTargetsQuestion
    | ClozeQuestion
    | SurprisalQuestion
    | ScoreQuestion
    | SampleMaskQuestion
)


class EngineError(Exception):
    """There is no answer; the message says why, in words for the user."""


class SupersededError(EngineError):
    """A model was not loaded because the user chose another one meanwhile; not worth a message."""


class Priority(IntEnum):
    """How urgent an answer is; the lowest value runs first."""

    LOADING = 0
    """Loading a model: nothing can be answered before."""
    INTERACTIVE = 1
    """The user waits for the answer: completion, hover, commands."""
    HINT = 2
    """The editor shows the answer when it arrives: inlay hints, code lenses, outline."""
    BACKGROUND = 3
    """Long work without a waiting user: diagnostics, which score each word of a document, and prefetching."""


class Engine(ABC):
    """Interface of an engine: local, remote or both.

    Cancelling a call before its computation has begun drops it. Each method raises :class:`EngineError` if there is no
    model, or if the model failed.
    """

    @abstractmethod
    async def answer(
        self,
        question: Question,
        priority: Priority = Priority.INTERACTIVE,
        *,
        on_progress: Callable[[int], None] | None = None,
    ) -> Any:
        """Answer a question of any kind; the answer has the type that the question's own method returns.

        Args:
            on_progress: called on any thread after each forward step with the number of its tokens, where this process
                computes.
        """

    async def predict(self, question: PredictQuestion, priority: Priority = Priority.INTERACTIVE) -> Predictions:
        """Predict each mask by itself."""
        return cast(Predictions, await self.answer(question, priority))

    async def predict_early(self, question: PredictQuestion) -> Predictions:
        """Predict as a completion needs it: an engine may answer with whole-word candidates first and prefetch the rest."""
        return await self.predict(question)

    async def fill_jointly(self, question: FillQuestion, priority: Priority = Priority.INTERACTIVE) -> list[JointFill]:
        """Return the best ways to fill all masks together, best first."""
        return cast("list[JointFill]", await self.answer(question, priority))

    async def masked_word_loss(self, question: LossQuestion, priority: Priority = Priority.INTERACTIVE) -> float:
        """Return the mean cross-entropy of the masked words' tokens, in nats, at least 0."""
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

    async def cloze(self, question: ClozeQuestion, priority: Priority = Priority.INTERACTIVE) -> list[TargetScore]:
        """Return the score of each target, in the order given."""
        return cast("list[TargetScore]", await self.answer(question, priority))

    async def word_surprisals(
        self, question: SurprisalQuestion, priority: Priority = Priority.INTERACTIVE
    ) -> list[WordSurprisal]:
        """Return the surprisal of each word, in the text's order."""
        return cast("list[WordSurprisal]", await self.answer(question, priority))

    async def sample_mask(self, question: SampleMaskQuestion, priority: Priority = Priority.INTERACTIVE) -> list[Span]:
        """Return the spans of the words or subwords that random masking hides, in order."""
        return cast("list[Span]", await self.answer(question, priority))
