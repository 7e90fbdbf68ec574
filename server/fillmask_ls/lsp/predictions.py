"""The question about one mask of a document, and its answer."""

from __future__ import annotations

from dataclasses import dataclass

from fillmask_ls.documents.context import Passage
from fillmask_ls.documents.masks import Target
from fillmask_ls.engine.api import Candidate, Prediction, Predictions, PredictQuestion

from .session import Session
from .snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class MaskAnswer:
    """The predictions of a passage with one mask in focus, and the passage."""

    answer: Predictions
    passage: Passage

    @property
    def prediction(self) -> Prediction:
        """The prediction at the mask."""
        return self.answer.predictions[self.passage.focus]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The words that fit the mask, the best first."""
        return self.prediction.candidates


async def predict_mask(
    session: Session, snapshot: Snapshot, target: Target, top_k: int, *, early: bool = False
) -> MaskAnswer:
    """Return the prediction at one mask.

    Args:
        target: the mask, and the letters typed after it.
        early: whether words of several subwords may be missing, because the user waits and will probably ask again.
    """
    passage = await snapshot.passage(target)
    question = PredictQuestion(
        passage.text,
        passage.masks,
        top_k,
        focus=passage.focus,
        prefix=target.prefix,
        max_subwords=snapshot.settings.max_subwords,
    )
    predict = session.engine.predict_early if early else session.engine.predict
    return MaskAnswer(await predict(question), passage)
