"""From a question to the model's answer: what runs on the model's thread."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from fillmask_ls.mlm.forward_steps import ForwardSteps, split_steps
from fillmask_ls.mlm.hidden_loss import hidden_loss_steps
from fillmask_ls.mlm.inspection import inspect
from fillmask_ls.mlm.joint_fill import fill_jointly_steps
from fillmask_ls.mlm.masking import sample_mask_spans
from fillmask_ls.mlm.model import MaskedLM
from fillmask_ls.mlm.prediction import predict_steps
from fillmask_ls.mlm.scoring import score_steps
from fillmask_ls.mlm.substitution import substitutes_steps
from fillmask_ls.mlm.surprisal import word_surprisals_steps
from fillmask_ls.mlm.targets import rank_targets_steps
from fillmask_ls.mlm.windows import windows

from .api import (
    FillQuestion,
    InspectQuestion,
    LossQuestion,
    Predictions,
    PredictQuestion,
    Question,
    RankTargetsQuestion,
    SampleMaskQuestion,
    Score,
    ScoreQuestion,
    SubstitutesQuestion,
    SurprisalQuestion,
)


def answering(model: MaskedLM, question: Question, cache: MutableMapping[Any, Any], tokens_at_once: int) -> Any:
    """The answer to a question where no logits are asked for, else the asking that returns it.

    Args:
        cache: as for :func:`~fillmask_ls.mlm.prediction.predict_steps`.
        tokens_at_once: as for :func:`~fillmask_ls.mlm.forward_steps.split_steps`.
    """
    if isinstance(question, InspectQuestion):
        return inspect(model, question.text, rate=question.rate, seed=question.seed, whole_words=question.whole_words)
    if isinstance(question, SampleMaskQuestion):
        return sample_mask_spans(
            model.tokenizer, question.text, rate=question.rate, seed=question.seed, whole_words=question.whole_words
        )
    return split_steps(_asking(model, question, cache), tokens_at_once)


def _asking(
    model: MaskedLM,
    question: PredictQuestion
    | FillQuestion
    | LossQuestion
    | SubstitutesQuestion
    | RankTargetsQuestion
    | SurprisalQuestion
    | ScoreQuestion,
    cache: MutableMapping[Any, Any],
) -> ForwardSteps[Any]:
    match question:
        case PredictQuestion():
            return _ranking(model, question, cache)
        case FillQuestion():
            asked = question.asked and range(*question.asked)
            return fill_jointly_steps(model, question.text, question.masks, top_k=question.top_k, only=asked)
        case LossQuestion():
            return hidden_loss_steps(model, question.text, question.masks, question.words)
        case SubstitutesQuestion():
            return substitutes_steps(model, question.text, question.span, top_k=question.top_k)
        case RankTargetsQuestion():
            return rank_targets_steps(model, question.text, question.targets, mask=question.mask, masks=question.masks)
        case SurprisalQuestion():
            return word_surprisals_steps(model, question.text, spans=question.spans, top_k=question.top_k)
        case ScoreQuestion():
            return _score(model, question)


def _ranking(model: MaskedLM, query: PredictQuestion, cache: MutableMapping[Any, Any]) -> ForwardSteps[Predictions]:
    predictions = []
    for window in windows(model, query.text, query.masks):
        predictions += yield from predict_steps(
            model,
            window,
            top_k=query.top_k,
            prefixes={query.focus: query.prefix},
            max_subwords=query.max_subwords,
            focus=query.focus,
            cache=cache,
        )
    return Predictions(model.name, tuple(predictions))


def _score(model: MaskedLM, query: ScoreQuestion) -> ForwardSteps[Score]:
    [score] = yield from score_steps(model, [query.text], metric=query.form)
    return score
