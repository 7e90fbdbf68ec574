"""Call the library function that answers a question, on the model's thread."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from fillmask_ls.mlm.forward_steps import ForwardSteps, split_steps
from fillmask_ls.mlm.inspection import inspect
from fillmask_ls.mlm.joint_fill import fill_jointly
from fillmask_ls.mlm.masked_word_loss import masked_word_loss_steps
from fillmask_ls.mlm.masking import sample_mask_spans
from fillmask_ls.mlm.model import LoadedModel
from fillmask_ls.mlm.prediction import predict_steps
from fillmask_ls.mlm.scoring import score
from fillmask_ls.mlm.substitution import substitutes
from fillmask_ls.mlm.surprisal import word_surprisals
from fillmask_ls.mlm.targets import cloze, rank_targets
from fillmask_ls.mlm.windows import windows

from .api import (
    ClozeQuestion,
    FillQuestion,
    InspectQuestion,
    LossQuestion,
    Predictions,
    PredictQuestion,
    Question,
    RankTargetsQuestion,
    SampleMaskQuestion,
    ScoreQuestion,
    SubstitutesQuestion,
    SurprisalQuestion,
)
from .job_queue import ModelSteps


def begin(model: LoadedModel, question: Question, cache: MutableMapping[Any, Any], tokens_per_step: int) -> ModelSteps:
    """Begin to answer a question.

    Args:
        cache: as for :func:`~fillmask_ls.mlm.prediction.predict_steps`.
        tokens_per_step: as for :func:`~fillmask_ls.mlm.forward_steps.split_steps`.

    Returns:
        The steps that lead to the answer.
    """
    return ModelSteps(model, split_steps(_steps(model, question, cache), tokens_per_step))


def _steps(model: LoadedModel, question: Question, cache: MutableMapping[Any, Any]) -> ForwardSteps[Any]:
    match question:
        case PredictQuestion():
            return _predict_steps(model, question, cache)
        case FillQuestion():
            only = question.to_fill and range(*question.to_fill)
            return fill_jointly.steps(model, question.text, question.masks, top_k=question.top_k, only=only)
        case LossQuestion():
            return masked_word_loss_steps(model, question.text, question.masks, question.words)
        case SubstitutesQuestion():
            return substitutes.steps(model, question.text, question.span, top_k=question.top_k)
        case RankTargetsQuestion():
            return rank_targets.steps(
                model, question.text, question.targets, mask_index=question.mask_index, masks=question.masks
            )
        case ClozeQuestion():
            return cloze.steps(
                model, question.text, question.targets, mask_index=question.mask_index, masks=question.masks
            )
        case SurprisalQuestion():
            return word_surprisals.steps(model, question.text, spans=question.spans, top_k=question.top_k)
        case ScoreQuestion():
            return score.steps(model, question.text, metric=question.metric, spans=question.spans)
        case InspectQuestion():
            return inspect.steps(
                model,
                question.text,
                rate=question.rate,
                seed=question.seed,
                whole_words=question.whole_words,
                top_k=question.top_k,
            )
        case SampleMaskQuestion():
            return sample_mask_spans.steps(
                model, question.text, rate=question.rate, seed=question.seed, whole_words=question.whole_words
            )
    raise TypeError(f"no question: {type(question).__name__}")


def _predict_steps(
    model: LoadedModel, question: PredictQuestion, cache: MutableMapping[Any, Any]
) -> ForwardSteps[Predictions]:
    predictions = []
    for window in windows(model, question.text, question.masks):
        predictions += yield from predict_steps(
            model,
            window,
            top_k=question.top_k,
            prefixes={question.focus: question.prefix},
            max_subwords=question.max_subwords,
            focus=question.focus,
            cache=cache,
        )
    return Predictions(model.name, tuple(predictions))
