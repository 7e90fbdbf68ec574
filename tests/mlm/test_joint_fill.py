"""Masks of a passage filled so that they agree, and given words ranked: from the embedded model."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fillmask_ls import MASK, mlm


def test_two_masks_agree_with_each_other(model: mlm.MaskedLM) -> None:
    text = "He was born in [MASK] [MASK] and studied law."
    assert mlm.fill(model, text) == "He was born in the college and studied law."
    best, *others = mlm.fill_jointly(model, text)
    assert best.words == ("new", "york")
    assert best.text == "He was born in new york and studied law."
    assert len(others) == 4
    assert [fill.log_probability for fill in (best, *others)] == sorted(
        (fill.log_probability for fill in (best, *others)), reverse=True
    )


def test_a_joint_fill_is_at_least_as_likely_as_the_words_that_fit_alone(model: mlm.MaskedLM) -> None:
    text = "The [MASK] [MASK] sat by the window and read."
    alone = mlm.fill(model, text)
    best = mlm.fill_jointly(model, text)[0].text

    def likelihood(text: str) -> float:
        return mlm.score(model, [text])[0].pseudo_log_likelihood

    assert likelihood(best) >= likelihood(alone)


def test_a_joint_fill_of_one_mask_is_the_prediction(model: mlm.MaskedLM) -> None:
    text = "She drank a cup of [MASK] with milk and sugar."
    alone = mlm.predict(model, text, top_k=5, max_subwords=1)[0]
    assert [fill.words[0] for fill in mlm.fill_jointly(model, text)] == [word.text for word in alone.candidates]


def test_joint_fills_touch_nothing_else_and_begin_sentences_with_capitals(model: mlm.MaskedLM) -> None:
    fill = mlm.fill_jointly(model, "😀 Ünï.\r\n[MASK] is  sum[MASK]!", top_k=1)[0]
    first, second = fill.words
    assert fill.text == f"😀 Ünï.\r\n{first} is  sum{second}!"
    assert first[0].isupper()


def test_joint_fills_of_a_text_longer_than_the_model_reads(model: mlm.MaskedLM) -> None:
    text = "The [MASK] barked. " + "The dog barked at the postman and ran away. " * 80 + "Then the [MASK] ran [MASK]."
    fills = mlm.fill_jointly(model, text, top_k=2)
    assert len(fills) == 2
    assert all(len(fill.words) == 3 and MASK not in fill.text for fill in fills)
    assert "dog" in fills[0].words


def test_some_masks_of_a_text_are_filled_and_the_others_stay(model: mlm.MaskedLM) -> None:
    text = "He was born in [MASK] [MASK] and studied law, and then he [MASK] [MASK]."
    best = mlm.fill_jointly(model, text, only=range(2))[0]
    assert best.text == f"He was born in {' '.join(best.words)} and studied law, and then he [MASK] [MASK]."
    assert len(best.words) == 2
    assert mlm.fill_jointly(model, text, only=range(4)) == mlm.fill_jointly(model, text)
    assert mlm.fill_jointly(model, text, only=range(2, 2))[0].text == text


def test_joint_fills_of_nothing(model: mlm.MaskedLM) -> None:
    (fill,) = mlm.fill_jointly(model, "nothing")
    assert (fill.words, fill.log_probability, fill.text) == ((), 0, "nothing")
    with pytest.raises(ValueError, match="top_k"):
        mlm.fill_jointly(model, MASK, top_k=0)


def test_targets_are_ranked_whole_and_their_probabilities_add_up_to_one(model: mlm.MaskedLM) -> None:
    targets = ["zebra", "hot chocolate", "coffee", "summertime"]
    words = mlm.rank_targets(model, "She drank a cup of [MASK] with milk.", targets)
    assert [word.text for word in words][:2] == ["coffee", "hot chocolate"]
    assert sorted(word.text for word in words) == sorted(targets)
    assert sum(word.probability for word in words) == pytest.approx(1)


def test_a_target_is_never_scored_as_its_first_piece(model: mlm.MaskedLM) -> None:
    text = "The weather is best in [MASK]."
    assert model.tokenizer.encode("summerxq").tokens[1] == "summer"
    summer, wrong = mlm.rank_targets(model, text, ["summerxq", "summer"])
    assert summer.text == "summer"
    assert wrong.probability < 0.01 * summer.probability


def test_single_tokens_keep_the_odds_that_predict_gives_them(model: mlm.MaskedLM) -> None:
    text = "She drank a cup of [MASK] with milk."
    odds = {word.text: word.probability for word in mlm.predict(model, text, top_k=50, max_subwords=1)[0].candidates}
    tea, coffee = sorted(mlm.rank_targets(model, text, ["coffee", "tea"]), key=lambda word: word.text != "tea")
    assert tea.probability / coffee.probability == pytest.approx(odds["tea"] / odds["coffee"], rel=1e-3)


def test_a_target_that_no_token_spells_is_impossible(model: mlm.MaskedLM) -> None:
    tea, unknown = mlm.rank_targets(model, "A cup of [MASK].", ["☃", "tea"])
    assert (tea.text, tea.probability) == ("tea", 1)
    assert (unknown.text, unknown.probability) == ("☃", 0)
    assert [word.probability for word in mlm.rank_targets(model, "A cup of [MASK].", ["☃"])] == [0]


def test_targets_of_a_mask_that_is_glued_to_a_word_go_on_with_it(model: mlm.MaskedLM) -> None:
    words = mlm.rank_targets(model, "The secession[MASK] forces attacked.", ["ist", "ing", "ist armed"])
    assert words[0].text == "ist"
    assert all(word.probability > 0 for word in words)


def test_targets_of_one_mask_among_several(model: mlm.MaskedLM) -> None:
    text = "A [MASK] of tea. " * 90 + "Paris is the [MASK] of France."
    words = mlm.rank_targets(model, text, ["cup", "capital"], mask=90)
    assert words[0].text == "capital"
    assert mlm.rank_targets(model, text, ["cup", "capital"], mask=0)[0].text == "cup"


@pytest.mark.parametrize(
    ("text", "targets", "message"),
    [
        ("nothing", ["tea"], "no mask number 0"),
        (MASK, ["tea", " "], "empty"),
        (MASK, ["tea " * 600], "too long"),
    ],
)
def test_targets_that_make_no_sense(model: mlm.MaskedLM, text: str, targets: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mlm.rank_targets(model, text, targets)


def test_no_targets(model: mlm.MaskedLM) -> None:
    assert mlm.rank_targets(model, MASK, []) == []


@pytest.mark.parametrize("kind", ["roberta", "xlm-roberta", "bert-cased"])
def test_every_kind_of_model_ranks_targets_and_fills_jointly(
    model_of: Callable[[str], mlm.MaskedLM], kind: str
) -> None:
    tiny = model_of(kind)
    words = mlm.rank_targets(tiny, "She drank a cup of [MASK] with milk.", ["zebra", "a zebra or two", "tea"])
    assert sum(word.probability for word in words) == pytest.approx(1)
    fills = mlm.fill_jointly(tiny, "She drank a [MASK] of [MASK] with milk.")
    assert all(MASK not in fill.text and "<mask>" not in fill.text for fill in fills)
