"""Pseudo-log-likelihood of texts."""

from __future__ import annotations

import pytest
import torch
from transformers import PreTrainedModel

import notebook
from fillmask_ls import mlm
from fillmask_ls.mlm.results import Metric

METRICS: list[Metric] = ["original", "within_word_l2r", "whole_word"]


@pytest.mark.parametrize("metric", METRICS)
def test_score_is_what_the_network_predicts_at_each_masked_token(
    model: mlm.MaskedLM, network: PreTrainedModel, metric: Metric
) -> None:
    text = "The summiteers forgot their oxygenators, didn't they?"
    encoding = model.tokenizer.encode(text)
    tokens = mlm.score(model, [text], metric=metric)[0].tokens
    assert [token.span for token in tokens] == encoding.offsets[1:-1]
    rows = []
    for index in range(1, len(encoding.ids) - 1):
        word = [other for other, number in enumerate(encoding.words) if number == encoding.words[index]]
        later = [other for other in word if other >= index]
        masked = {"original": [index], "within_word_l2r": later, "whole_word": word}[metric]
        rows.append([model.tokenizer.mask_id if i in masked else id for i, id in enumerate(encoding.ids)])
    with torch.inference_mode():
        logits = network(torch.tensor(rows)).logits
    for row, token in enumerate(tokens):
        expected = float(logits[row, row + 1].log_softmax(-1)[encoding.ids[row + 1]])
        assert token.log_likelihood == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("metric", METRICS)
def test_texts_scored_together_score_as_alone(tiny_bert: mlm.MaskedLM, metric: Metric) -> None:
    texts = ["the cat sat on the mat.", "", "rain.", "they were playing in parks. " * 6, " \n", "[MASK]"]
    for text, together in zip(texts, mlm.score(tiny_bert, texts, metric=metric), strict=True):
        [alone] = mlm.score(tiny_bert, [text], metric=metric)
        assert [token.span for token in alone.tokens] == [token.span for token in together.tokens]
        assert together.perplexity == pytest.approx(alone.perplexity, rel=1e-3)


def test_likelier_sentence_scores_higher(model: mlm.MaskedLM) -> None:
    good, bad = mlm.score(model, ["The keys to the house are old.", "The keys to the house is old."])
    assert good.pseudo_log_likelihood > bad.pseudo_log_likelihood
    assert 1 < good.perplexity < bad.perplexity


def test_surprisal_of_a_word_is_the_sum_of_its_tokens(model: mlm.MaskedLM) -> None:
    [score] = mlm.score(model, ["We didn't see the summiteers."])
    assert [word.text for word in score.words] == ["We", "didn't", "see", "the", "summiteers"]
    start, end = score.words[1].span
    tokens = [token for token in score.tokens if start <= token.span[0] < end]
    assert len(tokens) == 3
    assert score.words[1].surprisal == pytest.approx(sum(token.surprisal for token in tokens))


def test_mask_in_a_text_is_not_scored(model: mlm.MaskedLM) -> None:
    [score] = mlm.score(model, ["The [MASK] shone on [MASK] sea."])
    assert [word.text for word in score.words] == ["The", "shone", "on", "sea"]


def test_empty_text_has_a_score_of_zero(model: mlm.MaskedLM) -> None:
    assert mlm.score(model, []) == []
    [empty] = mlm.score(model, [""])
    assert (empty.pseudo_log_likelihood, empty.perplexity, empty.tokens, empty.words) == (0, 1, (), ())


@pytest.mark.parametrize("metric", METRICS)
def test_text_longer_than_the_limit_is_scored_whole(tiny_bert: mlm.MaskedLM, metric: Metric) -> None:
    text = "they were playing in parks (not mats). " * 8
    [score] = mlm.score(tiny_bert, [text], metric=metric)
    assert [token.span for token in score.tokens] == tiny_bert.tokenizer.encode(text).offsets[1:-1]


def test_windows_change_a_score_little(model: mlm.MaskedLM, short_model: mlm.MaskedLM) -> None:
    sentence = notebook.PARAGRAPH.partition(". ")[0]
    [[whole], [in_windows]] = [mlm.score(each, [sentence]) for each in (model, short_model)]
    assert in_windows.perplexity == pytest.approx(whole.perplexity, rel=0.5)


def test_unknown_metric_is_refused(tiny_bert: mlm.MaskedLM) -> None:
    with pytest.raises(ValueError, match="within_word_l2r, original, whole_word, not 'half'"):
        mlm.score(tiny_bert, ["A text."], metric="half")  # type: ignore[arg-type]


@pytest.mark.parametrize("span", [(3, 1), (0, 99), (-1, 2)])
def test_a_span_is_within_the_text(tiny_bert: mlm.MaskedLM, span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="but the text has 3 characters"):
        mlm.score(tiny_bert, "a b", spans=[span])
