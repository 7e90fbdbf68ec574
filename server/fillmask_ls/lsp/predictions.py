"""The question about one mask of a document, and its answer.

Every feature that shows words for a mask asks this question, so that all of them show the same words in the same order
with the same probabilities.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fillmask_ls.documents.context import Passage
from fillmask_ls.documents.masks import Focus
from fillmask_ls.engine.api import Candidate, Prediction, PredictQuestion, Priority, SubstitutesQuestion
from fillmask_ls.settings import Settings
from fillmask_ls.spans import Span, replace_spans

from .session import Session
from .snapshot import Snapshot

_MIN_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class MaskAnswer:
    """The prediction at the mask that a passage was made for, the passage, and the name of the model."""

    prediction: Prediction
    passage: Passage
    model: str

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The words that fit the mask, the best first: as many as the longest list shows."""
        return self.prediction.candidates

    @staticmethod
    def empty(passage: Passage, model: str) -> MaskAnswer:
        """Return an answer without candidates."""
        return MaskAnswer(Prediction(passage.masks[passage.focus], (), None), passage, model)

    def extended(self, candidates: Sequence[Candidate]) -> MaskAnswer:
        """Return the answer with more candidates after its own."""
        known = {word.text for word in self.candidates}
        more = tuple(word for word in candidates if word.text not in known)
        return replace(self, prediction=replace(self.prediction, candidates=self.candidates + more))


def mask_question(passage: Passage, settings: Settings, prefix: str = "") -> PredictQuestion:
    """Return the question about the mask that a passage was made for.

    Args:
        prefix: the letters typed after the mask.
    """
    return PredictQuestion(
        passage.text,
        passage.masks,
        max(settings.completion_top_k, settings.hover_top_k, _MIN_CANDIDATES),
        focus=passage.focus,
        prefix=prefix,
        max_subwords=settings.max_subwords,
    )


def substitutes_question(passage: Passage, word: str, top_k: int) -> SubstitutesQuestion:
    """Return the question about substitutes of the word whose place the passage's mask took."""
    mask = passage.masks[passage.focus]
    text, start = replace_spans(passage.text, [(mask, word)]), mask[0]
    return SubstitutesQuestion(text, (start, start + len(word)), top_k)


async def predict_mask(
    session: Session,
    snapshot: Snapshot,
    focus: Focus,
    *,
    priority: Priority = Priority.INTERACTIVE,
    early: bool = False,
) -> MaskAnswer:
    """Return the prediction at one mask.

    Args:
        focus: the mask, and the letters typed after it.
        early: whether words of several subwords may be missing, because the user waits and will probably ask again.
    """
    return await predict_passage(
        session, snapshot, await snapshot.passage(focus), focus.prefix, priority=priority, early=early
    )


async def predict_passage(
    session: Session,
    snapshot: Snapshot,
    passage: Passage,
    prefix: str = "",
    *,
    priority: Priority = Priority.INTERACTIVE,
    early: bool = False,
) -> MaskAnswer:
    """Return the prediction at the mask that a passage was made for; the arguments are those of :func:`predict_mask`."""
    question = mask_question(passage, snapshot.settings, prefix)
    engine = session.engine
    answer = await (engine.predict_early(question) if early else engine.predict(question, priority))
    return MaskAnswer(_without_echo(answer.predictions[passage.focus], prefix), passage, answer.model)


def _without_echo(prediction: Prediction, prefix: str) -> Prediction:
    """Leave out the candidate that is only what was typed after a mask, unless it is the only one."""
    others = tuple(word for word in prediction.candidates if word.text.casefold() != prefix.casefold())
    return replace(prediction, candidates=others) if others else prediction


async def predict_masks(
    session: Session, snapshot: Snapshot, masks: Sequence[Span], priority: Priority
) -> dict[Span, MaskAnswer]:
    """Return the prediction at each of several masks, as :func:`predict_mask` does."""
    masks_by_text: dict[str, list[tuple[Span, Passage]]] = {}
    for mask, passage in zip(masks, await snapshot.passages_of_masks(masks), strict=True):
        masks_by_text.setdefault(passage.text, []).append((mask, passage))

    async def predict_in_turn(with_passages: Sequence[tuple[Span, Passage]]) -> dict[Span, MaskAnswer]:
        # The first question's forward step answers for all masks of the text; the others find it in the cache.
        return {
            mask: await predict_passage(session, snapshot, passage, priority=priority)
            for mask, passage in with_passages
        }

    answers = await asyncio.gather(*map(predict_in_turn, masks_by_text.values()))
    return {mask: answer for group in answers for mask, answer in group.items()}
