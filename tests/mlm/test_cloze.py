"""Cloze: probability, rank and surprisal of given words over the vocabulary."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from fillmask_ls import MASK, mlm

TEXT = f"She drank a cup of {MASK} with milk."


def test_probabilities_are_those_of_the_pipeline(model: mlm.MaskedLM, pipeline_of: Callable[[str], Any]) -> None:
    pipe = pipeline_of("embedded")
    theirs = {each["token_str"]: each["score"] for each in pipe(TEXT, targets=["tea", "coffee", "zebra"])}
    for target in mlm.cloze(model, TEXT, ["tea", "coffee", "zebra"]):
        assert target.probability == pytest.approx(theirs[target.text], rel=1e-3)


def test_rank_counts_the_whole_vocabulary(model: mlm.MaskedLM) -> None:
    best = mlm.predict(model, TEXT, top_k=5, max_subwords=1)[0].candidates
    assert [target.rank for target in mlm.cloze(model, TEXT, [word.text for word in best])] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("word", ["tea", "Sumter", "summerxq", "hot chocolate"])
def test_surprisal_is_that_of_the_word_in_place(model: mlm.MaskedLM, word: str) -> None:
    [target] = mlm.cloze(model, TEXT, word)
    start = TEXT.index(MASK)
    if " " not in word:  # the words of a phrase are masked one after another in a score
        score = mlm.score(model, TEXT.replace(MASK, word), spans=[(start, start + len(word))])
        assert target.surprisal == pytest.approx(score.regions[0].surprisal, abs=1e-3)
    assert len(target.subwords) == {"tea": 1, "Sumter": 2, "summerxq": 3, "hot chocolate": 2}[word]
    assert target.surprisal == pytest.approx(-math.log2(target.probability or 0))


def test_a_word_without_subwords_has_no_probability(model: mlm.MaskedLM) -> None:
    unknown, tea = mlm.cloze(model, TEXT, ["☃", "tea"])
    assert (unknown.probability, unknown.surprisal, unknown.rank, unknown.subwords) == (None, None, None, ())
    assert tea.rank == 1


def test_temperature_counts_only_when_asked_for(model: mlm.MaskedLM, hot_model: mlm.MaskedLM) -> None:
    [plain], [hot] = (mlm.cloze(each, TEXT, "tea") for each in (model, hot_model))
    assert plain.probability == pytest.approx(hot.probability)
    [calibrated] = mlm.cloze(hot_model, TEXT, "tea", calibrated=True)
    assert calibrated.calibrated
    [prediction] = mlm.predict(hot_model, TEXT, max_subwords=1)
    assert calibrated.probability == pytest.approx(prediction.candidates[0].probability, abs=1e-5)


def test_surprisal_has_the_unit_asked_for(model: mlm.MaskedLM) -> None:
    [bits], [nats] = (mlm.cloze(model, TEXT, "tea", base=base) for base in (2, math.e))
    assert nats.surprisal == pytest.approx(-(nats.log_likelihood or 0))
    assert bits.surprisal == pytest.approx((nats.surprisal or 0) / math.log(2))


def test_targets_keep_their_order_and_their_case(model: mlm.MaskedLM) -> None:
    found = mlm.cloze(model, TEXT, ["zebra", "Tea", "tea", "zebra"])
    assert [target.text for target in found] == ["zebra", "Tea", "tea", "zebra"]
    assert found[1].log_likelihood == found[2].log_likelihood


def test_each_mask_of_a_text_can_be_asked(model: mlm.MaskedLM) -> None:
    text = f"The {MASK} of France is {MASK}."
    first, second = (mlm.cloze(model, text, ["capital", "Paris"], mask_index=index) for index in (0, 1))
    assert (first[0].log_likelihood or 0) > (first[1].log_likelihood or 0)
    assert (second[1].log_likelihood or 0) > (second[0].log_likelihood or 0)


@pytest.mark.parametrize(
    ("targets", "options", "message"),
    [
        ([""], {}, "must not be empty"),
        (["tea"], {"mask_index": 1}, "no mask with index 1"),
        (["tea"], {"base": 1}, "base must be above 1"),
        (["tea " * 600], {}, "too long"),
    ],
)
def test_impossible_questions_are_refused(
    model: mlm.MaskedLM, targets: list[str], options: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        mlm.cloze(model, TEXT, targets, **options)


def test_one_forward_step_scores_all_targets(model: mlm.MaskedLM) -> None:
    steps = mlm.cloze.steps(model, TEXT, ["tea", "coffee", "Sumter", "summerxq"])
    step = next(steps)
    assert len(step.rows) == 1 + 2 + 3  # a row for one subword, two for two, three for three
    logits = torch.randn(step.count, model.tokenizer.vocab_size)
    with pytest.raises(StopIteration):
        steps.send(logits)
