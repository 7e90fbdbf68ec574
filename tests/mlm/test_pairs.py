"""Minimal pairs: accuracy, margins, intervals, paradigms."""

from __future__ import annotations

import pytest

from fillmask_ls import mlm
from fillmask_ls.mlm.paradigms import ParadigmScore

PAIRS = [
    ("The keys to the house are old.", "The keys to the house is old."),
    ("The sky is banana.", "The sky is blue."),
    ("She reads a book.", "She read a books."),
]


def test_margins_are_differences_of_scores(model: mlm.MaskedLM) -> None:
    result = mlm.minimal_pairs(model, PAIRS, by=["agreement", "sense", "agreement"])
    for pair, (good, bad) in zip(result.pairs, PAIRS, strict=True):
        alone = [mlm.score(model, text).pseudo_log_likelihood for text in (good, bad)]
        assert pair.margin == pytest.approx(alone[0] - alone[1], abs=1e-3)
    assert [pair.correct for pair in result.pairs] == [True, False, True]
    assert result.accuracy == pytest.approx(2 / 3)
    assert [(row["paradigm"], row["pair_count"], row["accuracy"]) for row in result.to_records()] == [
        ("agreement", 2, 1.0),
        ("sense", 1, 0.0),
    ]


@pytest.mark.parametrize(
    ("correct", "pairs", "low", "high"),
    [(0, 0, 0, 1), (0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (80, 100, 0.7112, 0.8666)],
)
def test_interval_is_wilsons(correct: int, pairs: int, low: float, high: float) -> None:
    score = ParadigmScore("p", pairs, correct, 0.0)
    assert (score.low, score.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_a_tie_is_not_correct(tiny_bert: mlm.MaskedLM) -> None:
    assert mlm.minimal_pairs(tiny_bert, [("a text", "a text")]).accuracy == 0


def test_no_pairs_are_no_error(tiny_bert: mlm.MaskedLM) -> None:
    result = mlm.minimal_pairs(tiny_bert, [])
    assert (result.accuracy, result.to_records()) == (0.0, [])


@pytest.mark.parametrize("pairs", [["ab"], [("a", "b", "c")], [("a", 3)]])
def test_a_pair_is_two_strings(tiny_bert: mlm.MaskedLM, pairs: list[object]) -> None:
    with pytest.raises(TypeError, match="expected pairs of two str, but the item at index 0"):
        mlm.minimal_pairs(tiny_bert, pairs)  # type: ignore[arg-type]


def test_paradigms_are_as_many_as_pairs(tiny_bert: mlm.MaskedLM) -> None:
    with pytest.raises(ValueError, match="3 pairs, but 1"):
        mlm.minimal_pairs(tiny_bert, PAIRS, by=["a"])


def test_a_sentence_of_a_pair_is_not_empty(tiny_bert: mlm.MaskedLM) -> None:
    with pytest.raises(ValueError, match="a sentence of the pair at index 1 is empty"):
        mlm.minimal_pairs(tiny_bert, [*PAIRS[:1], ("a text", " ")])
