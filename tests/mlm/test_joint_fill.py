"""Masks of a text are filled with words that agree with each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fillmask_ls import MASK, mlm


def test_words_of_two_masks_agree(model: mlm.MaskedLM) -> None:
    text = "She lives in [MASK] [MASK] City."
    assert mlm.fill(model, text) == "She lives in New York City."
    best, *others = mlm.fill_jointly(model, text)
    assert best.words == ("New", "York")
    assert best.text == "She lives in New York City."
    assert len(others) == 4
    assert [fill.log_probability for fill in (best, *others)] == sorted(
        (fill.log_probability for fill in (best, *others)), reverse=True
    )


def test_joint_fill_is_at_least_as_likely_as_filling_each_mask_alone(model: mlm.MaskedLM) -> None:
    text = "The [MASK] [MASK] sat by the window and read."
    alone = mlm.fill(model, text)
    best = mlm.fill_jointly(model, text)[0].text

    def likelihood(text: str) -> float:
        return mlm.score(model, [text])[0].pseudo_log_likelihood

    assert likelihood(best) >= likelihood(alone)


def test_joint_fill_of_one_mask_is_the_prediction(model: mlm.MaskedLM) -> None:
    text = "She drank a cup of [MASK] with milk and sugar."
    alone = mlm.predict(model, text, top_k=5, max_subwords=1)[0]
    assert [fill.words[0] for fill in mlm.fill_jointly(model, text)] == [word.text for word in alone.candidates]


def test_joint_fill_changes_only_the_masks_and_capitalizes_sentences(model: mlm.MaskedLM) -> None:
    fill = mlm.fill_jointly(model, "😀 Ünï.\r\n[MASK] is  sum[MASK]!", top_k=1)[0]
    first, second = fill.words
    assert fill.text == f"😀 Ünï.\r\n{first} is  sum{second}!"
    assert first[0].isupper()


def test_text_longer_than_the_limit_is_filled_in_windows(short_model: mlm.MaskedLM) -> None:
    text = "The [MASK] barked. " + "The dog barked at the postman and ran away. " * 6 + "Then the [MASK] ran [MASK]."
    fills = mlm.fill_jointly(short_model, text, top_k=2)
    assert len(fills) == 2
    assert all(len(fill.words) == 3 and MASK not in fill.text for fill in fills)
    assert "dog" in fills[0].words


def test_only_some_masks_are_filled_and_the_others_stay(model: mlm.MaskedLM) -> None:
    text = "He was born in [MASK] [MASK] and studied law, and then he [MASK] [MASK]."
    best = mlm.fill_jointly(model, text, only=range(2))[0]
    assert best.text == f"He was born in {' '.join(best.words)} and studied law, and then he [MASK] [MASK]."
    assert len(best.words) == 2
    assert mlm.fill_jointly(model, text, only=range(4)) == mlm.fill_jointly(model, text)
    assert mlm.fill_jointly(model, text, only=range(2, 2))[0].text == text


def test_text_without_masks_has_one_empty_fill(model: mlm.MaskedLM) -> None:
    (fill,) = mlm.fill_jointly(model, "nothing")
    assert (fill.words, fill.log_probability, fill.text) == ((), 0, "nothing")
    with pytest.raises(ValueError, match="top_k"):
        mlm.fill_jointly(model, MASK, top_k=0)


@pytest.mark.models
@pytest.mark.parametrize("name", ["roberta", "xlm-roberta", "bert-cased"])
def test_every_tokenizer_fills_jointly(model_of: Callable[[str], mlm.MaskedLM], name: str) -> None:
    fills = mlm.fill_jointly(model_of(name), "She drank a [MASK] of [MASK] with milk.")
    assert all(MASK not in fill.text and "<mask>" not in fill.text for fill in fills)
