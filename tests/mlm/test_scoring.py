from __future__ import annotations

import copy
import dataclasses
import itertools
import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

import seed
from fillmask_ls import mlm


@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(2, 50))
def test_cross_entropy_by_hand_is_torchs(seed: int, rows: int, vocabulary: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, rows, vocabulary, generator=generator) * 10
    labels = torch.randint(vocabulary, (2, rows), generator=generator)
    labels[0, 0] = -100
    theirs = torch.nn.functional.cross_entropy(logits.view(-1, vocabulary), labels.view(-1))
    torch.testing.assert_close(mlm.cross_entropy(logits, labels), theirs, atol=1e-4, rtol=1e-5)


def test_no_label_no_loss() -> None:
    assert mlm.cross_entropy(torch.randn(1, 3, 5), torch.full((1, 3), -100)) == 0


def test_perplexity_of_a_uniform_guess_is_the_number_of_choices() -> None:
    assert mlm.perplexity(mlm.cross_entropy(torch.zeros(4, 7), torch.zeros(4, dtype=torch.long))) == pytest.approx(7)


def test_a_long_text_is_inspected_in_windows(model: mlm.MaskedLM) -> None:
    text = " ".join([seed.PARAGRAPH] * 12)
    report = mlm.inspect(model, text, seed=1)
    content = [token for token in report.tokens if token.span != (0, 0)]
    assert [token.id for token in content] == seed.IDS[1:-1] * 12
    assert all(a.span[1] <= b.span[0] for a, b in itertools.pairwise(content))
    assert report.masked_loss is not None
    assert report.masked_loss > report.loss > 0


def test_a_mask_in_the_text_has_no_original_and_no_loss(model: mlm.MaskedLM) -> None:
    report = mlm.inspect(model, "The [MASK] is blue.", rate=0)
    mask = report.tokens[2]
    assert (mask.masked, mask.probability) == (True, None)
    assert report.loss < 5


def test_an_empty_text_is_inspected(model: mlm.MaskedLM) -> None:
    assert [token.token for token in mlm.inspect(model, "").tokens] == ["[CLS]", "[SEP]"]


def test_the_report_is_plain_data(model: mlm.MaskedLM) -> None:
    from dataclasses import asdict

    assert json.loads(json.dumps(asdict(mlm.inspect(model, "A text."))))["model"] == "embedded"


METRICS = ["original", "within_word_l2r", "whole_word"]


@pytest.mark.parametrize("metric", METRICS)
def test_a_score_is_what_the_whole_network_says_of_each_masked_token(
    model: mlm.MaskedLM, network: PreTrainedModel, metric: str
) -> None:
    text = "The summiteers forgot their oxygenators, didn't they?"
    encoding = model.tokenizer.encode(text)
    scored = mlm.score(model, [text], metric=metric)[0].tokens  # type: ignore[arg-type]
    assert [token.span for token in scored] == encoding.offsets[1:-1]
    for i, token in enumerate(scored, 1):
        word = [j for j, number in enumerate(encoding.words) if number == encoding.words[i]]
        masked = {"original": [i], "within_word_l2r": [j for j in word if j >= i], "whole_word": word}[metric]
        ids = torch.tensor([encoding.ids])
        ids[0, masked] = model.tokenizer.mask_id
        with torch.inference_mode():
            logits = network(ids).logits[0, i]
        assert token.log_likelihood == pytest.approx(float(logits.log_softmax(-1)[encoding.ids[i]]), abs=1e-3)


@pytest.mark.parametrize("metric", METRICS)
def test_texts_scored_together_score_as_alone(model: mlm.MaskedLM, metric: str) -> None:
    texts = ["The cat sat on the mat.", "", "Rain.", seed.PARAGRAPH, " \n", "[MASK]"]
    together = mlm.score(model, texts, metric=metric)  # type: ignore[arg-type]
    for text, scored in zip(texts, together, strict=True):
        alone = mlm.score(model, [text], metric=metric)[0]  # type: ignore[arg-type]
        assert [token.span for token in alone.tokens] == [token.span for token in scored.tokens]
        assert scored.perplexity == pytest.approx(alone.perplexity, rel=0.02)


def test_the_likelier_sentence_scores_higher(model: mlm.MaskedLM) -> None:
    good, bad = mlm.score(model, ["The keys to the house are old.", "The keys to the house is old."])
    assert good.pseudo_log_likelihood > bad.pseudo_log_likelihood
    assert 1 < good.perplexity < bad.perplexity


def test_a_word_is_as_surprising_as_its_tokens_together(model: mlm.MaskedLM) -> None:
    scored = mlm.score(model, ["We didn't see the summiteers."])[0]
    assert [word.text for word in scored.words] == ["We", "didn't", "see", "the", "summiteers"]
    spanned = [token for token in scored.tokens if scored.words[1].span[0] <= token.span[0] < scored.words[1].span[1]]
    assert len(spanned) == 3
    assert scored.words[1].surprisal == pytest.approx(sum(token.surprisal for token in spanned))


def test_a_mask_is_context_and_no_word(model: mlm.MaskedLM) -> None:
    scored = mlm.score(model, ["The [MASK] shone on [MASK] sea."])[0]
    assert [word.text for word in scored.words] == ["The", "shone", "on", "sea"]


def test_what_is_empty_has_no_score(model: mlm.MaskedLM) -> None:
    assert mlm.score(model, []) == []
    empty = mlm.score(model, [""])[0]
    assert (empty.pseudo_log_likelihood, empty.perplexity, empty.tokens, empty.words) == (0, 1, (), ())


@pytest.mark.parametrize("metric", METRICS)
def test_a_text_longer_than_the_model_is_scored_whole(small: mlm.MaskedLM, metric: str) -> None:
    text = "The keeper of the lighthouse climbed the stairs and lit the lamp, summiteers notwithstanding. " * 3
    scored = mlm.score(small, [text], metric=metric)[0]  # type: ignore[arg-type]
    content = small.tokenizer.encode(text).offsets[1:-1]
    assert [token.span for token in scored.tokens] == content


def test_windows_hardly_change_a_score(model: mlm.MaskedLM, small: mlm.MaskedLM) -> None:
    (whole,), (windowed,) = (mlm.score(each, [seed.PARAGRAPH]) for each in (model, small))
    assert windowed.perplexity == pytest.approx(whole.perplexity, rel=0.5)


def test_an_unknown_form_is_refused(model: mlm.MaskedLM) -> None:
    with pytest.raises(ValueError, match="within_word_l2r, original, whole_word, not 'half'"):
        mlm.score(model, ["A text."], metric="half")  # type: ignore[arg-type]


@pytest.fixture
def small(model: mlm.MaskedLM) -> mlm.MaskedLM:
    """The model, reading 32 tokens at a time."""
    tokenizer = copy.copy(model.tokenizer)
    tokenizer.max_length = 32
    return dataclasses.replace(model, tokenizer=tokenizer)
