"""From a question to the model's answer: what runs on the model's thread."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from fillmask_ls.mlm.asking import Asking, in_parts
from fillmask_ls.mlm.inspection import inspect
from fillmask_ls.mlm.joint import filling
from fillmask_ls.mlm.masking import chosen_spans
from fillmask_ls.mlm.model import MaskedLM
from fillmask_ls.mlm.prediction import predicting
from fillmask_ls.mlm.replacement import replacing
from fillmask_ls.mlm.scoring import scoring
from fillmask_ls.mlm.surprise import hidden_loss, surprising
from fillmask_ls.mlm.targets import ranking_targets
from fillmask_ls.mlm.windows import windows

from .query import (
    HiddenQuery,
    InspectionQuery,
    JointQuery,
    MaskingQuery,
    Query,
    Question,
    Ranking,
    ReplacementQuery,
    Score,
    ScoreQuery,
    SurpriseQuery,
    TargetQuery,
)


def answering(model: MaskedLM, question: Question, memory: MutableMapping[Any, Any], tokens_at_once: int) -> Any:
    """The answer to a question where no logits are asked for, else the asking that returns it.

    Args:
        memory: as for :func:`~fillmask_ls.mlm.prediction.predicting`.
        tokens_at_once: as for :func:`~fillmask_ls.mlm.asking.in_parts`.
    """
    if isinstance(question, InspectionQuery):
        return inspect(model, question.text, rate=question.rate, seed=question.seed, whole_words=question.whole_words)
    if isinstance(question, MaskingQuery):
        return chosen_spans(
            model.tokenizer, question.text, rate=question.rate, seed=question.seed, whole_words=question.whole_words
        )
    return in_parts(_asking(model, question, memory), tokens_at_once)


def _asking(
    model: MaskedLM,
    question: Query | JointQuery | HiddenQuery | ReplacementQuery | TargetQuery | SurpriseQuery | ScoreQuery,
    memory: MutableMapping[Any, Any],
) -> Asking[Any]:
    match question:
        case Query():
            return _ranking(model, question, memory)
        case JointQuery():
            asked = question.asked and range(*question.asked)
            return filling(model, question.text, question.masks, top_k=question.top_k, asked=asked)
        case HiddenQuery():
            return hidden_loss(model, question.text, question.masks, question.words)
        case ReplacementQuery():
            return replacing(model, question.text, question.span, top_k=question.top_k)
        case TargetQuery():
            return ranking_targets(model, question.text, question.targets, mask=question.mask, masks=question.masks)
        case SurpriseQuery():
            return surprising(model, question.text, spans=question.spans, top_k=question.top_k)
        case ScoreQuery():
            return _score(model, question)


def _ranking(model: MaskedLM, query: Query, memory: MutableMapping[Any, Any]) -> Asking[Ranking]:
    predictions = []
    for window in windows(model, query.text, query.masks):
        predictions += yield from predicting(
            model,
            window,
            top_k=query.top_k,
            prefixes={query.focus: query.prefix},
            max_pieces=query.max_pieces,
            focus=query.focus,
            memory=memory,
        )
    return Ranking(model.name, tuple(predictions))


def _score(model: MaskedLM, query: ScoreQuery) -> Asking[Score]:
    [score] = yield from scoring(model, [query.text], form=query.form)
    return score
