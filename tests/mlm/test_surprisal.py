"""What the model thinks of words that stand, and of words that masks hide."""

from __future__ import annotations

import dataclasses
from math import exp

import pytest
import torch

from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.forward_steps import run_steps
from fillmask_ls.mlm.hidden_loss import hidden_loss_steps
from fillmask_ls.words import find_masks

TEXT = "The capital of France is banana, and the king's reinterpretation [MASK]."


def test_words_without_calibration_have_the_likelihoods_of_score(model: mlm.MaskedLM) -> None:
    uncalibrated = dataclasses.replace(model, temperature=1.0)
    words = mlm.word_surprisals(uncalibrated, TEXT)
    [score] = mlm.score(model, [TEXT])
    assert [(word.text, word.span) for word in words] == [(word.text, word.span) for word in score.words]
    assert [word.log_likelihood for word in words] == pytest.approx([word.log_likelihood for word in score.words])
    assert all(TEXT[slice(*word.span)] == word.text for word in words)


def test_word_has_the_probability_that_predict_gives_it(hot_model: mlm.MaskedLM) -> None:
    for word in mlm.word_surprisals(hot_model, TEXT):
        if len(word.subwords) == 1:
            masked = TEXT[: word.span[0]] + MASK + TEXT[word.span[1] :]
            spans = find_masks(masked)
            number = [start for start, _ in spans].index(word.span[0])
            candidates = mlm.predict(hot_model, masked, top_k=30_000, max_subwords=1)[number].candidates
            probability = {candidate.text.casefold(): candidate.probability for candidate in candidates}
            assert exp(word.log_likelihood) == pytest.approx(probability[word.text.casefold()], rel=1e-3)


def test_surprisal_and_expected_words_are_on_one_scale(hot_model: mlm.MaskedLM) -> None:
    for word in mlm.word_surprisals(hot_model, "Paris is the capital of France.", top_k=1):
        [best] = word.expected
        if best.text.casefold() == word.text.casefold():
            assert exp(word.log_likelihood) == pytest.approx(best.probability, rel=1e-3)


def test_a_word_that_does_not_fit_is_more_surprising_and_what_fits_is_said(model: mlm.MaskedLM) -> None:
    words = {word.text: word for word in mlm.word_surprisals(model, TEXT)}
    assert words["banana"].surprisal > words["of"].surprisal + 5
    assert {"france", "paris"} & {word.text for word in words["banana"].expected}
    assert words["The"].expected[0].text[0].isupper()  # a sentence's beginning


def test_one_word_costs_only_its_own_forwards(model: mlm.MaskedLM) -> None:
    start = TEXT.index("banana")
    [word] = mlm.word_surprisals(model, TEXT, spans=[(start, start + 6)], top_k=0)
    assert word == next(each for each in mlm.word_surprisals(model, TEXT, top_k=0) if each.text == "banana")
    assert word.expected == ()
    assert "".join(token.removeprefix("##") for token, _ in word.subwords) == "banana"


@pytest.mark.parametrize("text", ["", " \n", MASK, "🙂 …", "\ud800"])
def test_a_text_without_words(model: mlm.MaskedLM, text: str) -> None:
    assert mlm.word_surprisals(model, text) == []


def test_a_text_longer_than_the_model_reads(model: mlm.MaskedLM) -> None:
    text = "One two three four five. " * 150
    found = mlm.word_surprisals(model, text, spans=[(2000, 2100)])
    assert {word.text for word in found} <= {"One", "two", "three", "four", "five"}
    assert found


def test_the_loss_of_what_masks_hide_is_the_cross_entropy_by_hand(model: mlm.MaskedLM) -> None:
    text = f"Paris is the {MASK} of {MASK}."
    spans = [(start, start + len(MASK)) for start in (13, 23)]
    loss = run_steps(model, hidden_loss_steps(model, text, spans, ["capital", "France"]))
    encoding = model.tokenizer.encode(text, spans)
    logits = mlm.forward(model, torch.tensor([encoding.ids])).logits[0]
    whole = model.tokenizer.encode("Paris is the capital of France.").ids
    labels = torch.tensor(
        [id if seen == model.tokenizer.mask_id else -100 for id, seen in zip(whole, encoding.ids, strict=True)]
    )
    assert loss == pytest.approx(float(mlm.cross_entropy(logits, labels)), abs=1e-4)


def test_a_hidden_word_of_several_pieces_counts_each(model: mlm.MaskedLM) -> None:
    loss = run_steps(model, hidden_loss_steps(model, f"a {MASK} here", [(2, 8)], ["zebrafishes"]))
    assert loss > run_steps(model, hidden_loss_steps(model, f"a {MASK} here", [(2, 8)], ["man"]))


def test_masking_hides_the_same_as_the_inspection(model: mlm.MaskedLM) -> None:
    text = "The quick brown fox jumps over the lazy dog, and unbelievably it doesn't fall."
    for whole_words in (False, True):
        spans = mlm.sample_mask_spans(model.tokenizer, text, rate=0.4, seed=3, whole_words=whole_words)
        report = mlm.inspect(model, text, rate=0.4, seed=3, whole_words=whole_words)
        hidden = {i for token in report.tokens if token.masked for i in range(*token.span)}
        assert hidden == {i for span in spans for i in range(*span)}
        assert spans == sorted(spans)


def test_masking_leaves_masks_alone(model: mlm.MaskedLM) -> None:
    assert mlm.sample_mask_spans(model.tokenizer, f"{MASK} {MASK}", rate=1) == []
    assert mlm.sample_mask_spans(model.tokenizer, "", rate=1) == []


@pytest.fixture
def hot_model(model: mlm.MaskedLM) -> mlm.MaskedLM:
    """The embedded model with a temperature that changes every probability visibly."""
    return dataclasses.replace(model, temperature=2.0)
