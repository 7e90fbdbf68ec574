"""One function computes all log-likelihoods, as exactly as float32 allows; all probabilities are on one scale."""

from __future__ import annotations

from math import exp
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import fillmask_ls.mlm
from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.forward_steps import run_steps
from fillmask_ls.mlm.likelihood import IGNORE_INDEX, log_likelihoods, log_probabilities
from fillmask_ls.mlm.masked_word_loss import masked_word_loss_steps

SENTENCE = "Paris is the capital of France."
MASKED_SENTENCE = SENTENCE.replace("capital", MASK)


@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(2, 50))
def test_cross_entropy_equals_torchs(seed: int, rows: int, vocabulary: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, rows, vocabulary, generator=generator) * 10
    labels = torch.randint(vocabulary, (2, rows), generator=generator)
    labels[0, 0] = IGNORE_INDEX
    expected = torch.nn.functional.cross_entropy(logits.view(-1, vocabulary), labels.view(-1))
    torch.testing.assert_close(mlm.cross_entropy(logits, labels), expected, atol=1e-4, rtol=1e-5)


def test_loss_is_zero_if_all_positions_are_ignored() -> None:
    assert mlm.cross_entropy(torch.randn(1, 3, 5), torch.full((1, 3), IGNORE_INDEX)) == 0


def test_perplexity_of_a_uniform_distribution_is_its_size() -> None:
    assert mlm.perplexity(mlm.cross_entropy(torch.zeros(4, 7), torch.zeros(4, dtype=torch.long))) == pytest.approx(7)


@pytest.mark.parametrize("temperature", [1.0, 0.98, 2.0])
def test_log_likelihoods_are_exact_in_float32(temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(16, 30_522, generator=generator) * 4
    labels = torch.randint(30_522, (16,), generator=generator)
    exact = (logits.double() / temperature).log_softmax(-1)
    torch.testing.assert_close(log_probabilities(logits, temperature).double(), exact, atol=8e-6, rtol=0)
    exact_labels = exact.gather(-1, labels[:, None]).squeeze(-1)
    torch.testing.assert_close(log_likelihoods(logits, labels, temperature).double(), exact_labels, atol=8e-6, rtol=0)


def test_no_other_module_computes_log_likelihoods() -> None:
    package = Path(fillmask_ls.mlm.__path__[0])
    users = [file.name for file in package.glob("*.py") if "log_softmax(" in file.read_text(encoding="utf-8")]
    assert users == []


def test_predict_inspect_and_surprisal_agree_on_the_probability_of_a_word(hot_model: mlm.MaskedLM) -> None:
    [prediction] = mlm.predict(hot_model, MASKED_SENTENCE, top_k=1000, max_subwords=1)
    predicted = {candidate.text: candidate.probability for candidate in prediction.candidates}["capital"]
    [surprisal] = mlm.word_surprisals(hot_model, SENTENCE, spans=[(13, 20)])
    seed = next(seed for seed in range(200) if mlm.sample_mask_spans(hot_model, SENTENCE, seed=seed) == [(13, 20)])
    [inspected] = [token for token in mlm.inspect(hot_model, SENTENCE, seed=seed).tokens if token.masked]
    assert exp(surprisal.log_likelihood) == pytest.approx(predicted, rel=1e-4)
    assert inspected.probability == pytest.approx(predicted, rel=1e-4)
    assert inspected.surprisal == pytest.approx(surprisal.surprisal, rel=1e-4)


def test_a_surprisal_and_its_expected_words_are_on_one_scale(hot_model: mlm.MaskedLM) -> None:
    words = mlm.word_surprisals(hot_model, "Once upon a time there was a king.", top_k=1)
    as_expected = [word for word in words if word.expected[0].text.casefold() == word.text.casefold()]
    assert len(as_expected) >= 2
    for word in as_expected:
        assert exp(word.log_likelihood) == pytest.approx(word.expected[0].probability, rel=1e-4)


def test_losses_and_scores_are_not_calibrated(model: mlm.MaskedLM, hot_model: mlm.MaskedLM) -> None:
    for calibrated, plain in zip(
        *(mlm.score(each, [SENTENCE], metric="original")[0].tokens for each in (hot_model, model)), strict=True
    ):
        assert calibrated == plain
    inspections = [mlm.inspect(each, SENTENCE, seed=1) for each in (hot_model, model)]
    assert inspections[0].loss == inspections[1].loss
    assert inspections[0].masked_loss == inspections[1].masked_loss
    assert (inspections[0].temperature, inspections[1].temperature) == (2.0, model.temperature)
    losses = [
        run_steps(each, masked_word_loss_steps(each, MASKED_SENTENCE, [(13, 19)], ["capital"]))
        for each in (hot_model, model)
    ]
    assert losses[0] == losses[1]
