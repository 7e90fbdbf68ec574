"""Prices of questions, compared with what a model computes."""

from __future__ import annotations

import json

import pytest
import torch

from fillmask_ls import MASK, mlm
from fillmask_ls.engine import codec
from fillmask_ls.engine.api import (
    ClozeQuestion,
    FillQuestion,
    LossQuestion,
    PredictQuestion,
    Priority,
    Question,
    RankTargetsQuestion,
    ScoreQuestion,
    SurprisalQuestion,
)
from fillmask_ls.engine.dispatch import begin
from fillmask_ls.engine.job_queue import ModelSteps
from fillmask_ls.engine.serving.pricing import Price, price
from fillmask_ls.mlm.forward_steps import Finished, advance, logits
from shared_engine import predict_question

TEXT = f"The president had won the {MASK} on a platform that many states did not want to accept."
TWO = f"{TEXT} So war broke out in {MASK}."
QUESTIONS: dict[str, Question] = {
    "predict": predict_question(TEXT),
    "two masks": predict_question(TWO),
    "at the end": predict_question(f"War broke out in the spring of the year {MASK}"),
    "prefix": predict_question(TEXT, prefix="c", max_subwords=3),
    "longer words": predict_question(TEXT, max_subwords=4),
    "fill": FillQuestion(TWO, predict_question(TWO).masks, 5),
    "loss": LossQuestion(TEXT, predict_question(TEXT).masks, ("election",)),
    "targets": RankTargetsQuestion(TEXT, predict_question(TEXT).masks, ("election", "presidential race")),
    "cloze": ClozeQuestion(TEXT, predict_question(TEXT).masks, ("election", "war", "presidential race")),
    "surprisal": SurprisalQuestion("War broke out in the spring of the year.", 5),
    "score": ScoreQuestion("War broke out in the spring of the year."),
    "region": ScoreQuestion("War broke out in the spring of the year.", spans=((18, 24),)),
    "letters": ScoreQuestion("War broke out in the spring of the year.", spans=tuple((at, at + 1) for at in range(40))),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_price_is_near_what_is_computed(model: mlm.MaskedLM, question: Question) -> None:
    estimated, actual = price(question), compute(model, question)
    assert actual.forward_tokens <= estimated.forward_tokens <= 5 * actual.forward_tokens + 40
    assert actual.logit_rows <= estimated.logit_rows
    assert actual.response_bytes / 3 <= estimated.response_bytes + 500


def compute(model: mlm.MaskedLM, question: Question) -> Price:
    """Answer a question and return what it took."""
    begun = begin(model, question, {}, 512)
    assert isinstance(begun, ModelSteps)
    forward_tokens = logit_rows = 0
    state = advance(begun.steps, None)
    with torch.inference_mode():
        while not isinstance(state, Finished):
            forward_tokens += sum(map(len, state.rows))
            logit_rows = max(logit_rows, state.count)
            state = advance(begun.steps, logits(model, [state])[0])
    return Price(forward_tokens, logit_rows, len(json.dumps(codec.reply(question, "", state.result)["answer"])))


@pytest.mark.parametrize(
    ("question", "priority"),
    [
        (predict_question(TEXT), Priority.INTERACTIVE),
        (predict_question(TEXT, prefix="c", max_subwords=4), Priority.INTERACTIVE),
        (ScoreQuestion("word " * 10), Priority.INTERACTIVE),
        (ScoreQuestion("word " * 100), Priority.HINT),
        (SurprisalQuestion("word " * 100, 5, ((0, 40),)), Priority.INTERACTIVE),
        (ScoreQuestion("word " * 2000), Priority.BACKGROUND),
        (predict_question(f"{MASK} word " * 60), Priority.INTERACTIVE),
        (FillQuestion(f"{MASK} word " * 60, predict_question(f"{MASK} word " * 60).masks, 5), Priority.BACKGROUND),
    ],
)
def test_expensive_questions_wait_for_cheap_ones(question: Question, priority: Priority) -> None:
    assert price(question).priority is priority


def test_price_of_an_empty_text_is_small() -> None:
    assert price(PredictQuestion("", (), 5)).forward_tokens < 50
    assert price(SurprisalQuestion("", 5, ())).forward_tokens < 50
