"""How surprising each word of a text is, and what the model expects in its place."""

from __future__ import annotations

import dataclasses

import pytest

from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.results import WordSurprisal

TEXT = "The capital of France is banana, and the king's reinterpretation [MASK]."


@pytest.fixture(scope="module")
def words(model: mlm.MaskedLM) -> list[WordSurprisal]:
    return mlm.word_surprisals(model, TEXT)


def test_without_calibration_words_have_the_likelihoods_of_score(model: mlm.MaskedLM) -> None:
    words = mlm.word_surprisals(dataclasses.replace(model, temperature=1.0), TEXT)
    [score] = mlm.score(model, [TEXT])
    assert [(word.text, word.span) for word in words] == [(word.text, word.span) for word in score.words]
    assert [word.log_likelihood for word in words] == pytest.approx([word.log_likelihood for word in score.words])
    assert all(TEXT[slice(*word.span)] == word.text for word in words)


def test_unexpected_word_is_surprising_and_the_expected_ones_are_named(words: list[WordSurprisal]) -> None:
    by_text = {word.text: word for word in words}
    assert by_text["banana"].surprisal > by_text["of"].surprisal + 5
    assert {"France", "Paris", "Jerusalem"} & {candidate.text for candidate in by_text["banana"].expected}
    assert by_text["The"].expected[0].text[0].isupper()  # at the beginning of a sentence


def test_words_outside_the_spans_are_left_out(model: mlm.MaskedLM, words: list[WordSurprisal]) -> None:
    start = TEXT.index("banana")
    [word] = mlm.word_surprisals(model, TEXT, spans=[(start, start + 6)], top_k=0)
    assert word.expected == ()
    assert word.log_likelihood == pytest.approx(next(w.log_likelihood for w in words if w.text == "banana"), rel=1e-4)
    assert "".join(token.removeprefix("##") for token, _ in word.subwords) == "banana"


@pytest.mark.parametrize("text", ["", " \n", MASK, "🙂 …", "\ud800"])
def test_text_without_words_has_no_surprisals(tiny_bert: mlm.MaskedLM, text: str) -> None:
    assert mlm.word_surprisals(tiny_bert, text) == []


def test_text_longer_than_the_limit_is_read_in_windows(tiny_bert: mlm.MaskedLM) -> None:
    text = "the cat sat on the mat. " * 20
    words = mlm.word_surprisals(tiny_bert, text, spans=[(200, 300)])
    assert words
    assert {word.text for word in words} <= {"the", "cat", "sat", "on", "mat"}


def test_no_surprisal_exceeds_that_of_an_impossible_word() -> None:
    word = WordSurprisal("tea", (0, 3), -1.0, (mlm.Candidate("cup", 0.5), mlm.Candidate("sky", 0.0)), ())
    assert word.excess > 0
    assert word.excess_over(word.expected[1]) == float("-inf")
