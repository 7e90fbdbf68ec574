"""Given words and phrases are ranked at a mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fillmask_ls import MASK, mlm


def test_probabilities_of_targets_add_up_to_one(model: mlm.MaskedLM) -> None:
    targets = ["zebra", "hot chocolate", "coffee", "summertime"]
    words = mlm.rank_targets(model, "She drank a cup of [MASK] with milk.", targets)
    assert [word.text for word in words][:2] == ["coffee", "hot chocolate"]
    assert sorted(word.text for word in words) == sorted(targets)
    assert sum(word.probability for word in words) == pytest.approx(1)


def test_target_is_not_scored_as_its_first_subword(model: mlm.MaskedLM) -> None:
    text = "The weather is best in [MASK]."
    assert model.tokenizer.encode("summerxq").tokens[1] == "summer"
    summer, wrong = mlm.rank_targets(model, text, ["summerxq", "summer"])
    assert summer.text == "summer"
    assert wrong.probability < 0.01 * summer.probability


def test_targets_of_one_subword_have_the_odds_of_predict(model: mlm.MaskedLM) -> None:
    text = "She drank a cup of [MASK] with milk."
    odds = {word.text: word.probability for word in mlm.predict(model, text, top_k=50, max_subwords=1)[0].candidates}
    tea, coffee = sorted(mlm.rank_targets(model, text, ["coffee", "tea"]), key=lambda word: word.text != "tea")
    assert tea.probability / coffee.probability == pytest.approx(odds["tea"] / odds["coffee"], rel=1e-3)


def test_target_that_the_model_cannot_spell_has_probability_zero(model: mlm.MaskedLM) -> None:
    tea, unknown = mlm.rank_targets(model, "A cup of [MASK].", ["☃", "tea"])
    assert (tea.text, tea.probability) == ("tea", 1)
    assert (unknown.text, unknown.probability) == ("☃", 0)
    assert [word.probability for word in mlm.rank_targets(model, "A cup of [MASK].", ["☃"])] == [0]


def test_targets_right_after_a_word_continue_it(model: mlm.MaskedLM) -> None:
    words = mlm.rank_targets(model, "The secession[MASK] forces attacked.", ["ist", "ing", "ist armed"])
    assert words[0].text == "ist"
    assert all(word.probability > 0 for word in words)


def test_targets_of_one_mask_among_many_are_ranked(short_model: mlm.MaskedLM) -> None:
    text = "A [MASK] of tea. " * 8 + "Paris is the [MASK] of France."
    assert mlm.rank_targets(short_model, text, ["cup", "capital"], mask_index=8)[0].text == "capital"
    assert mlm.rank_targets(short_model, text, ["cup", "capital"], mask_index=0)[0].text == "cup"


@pytest.mark.parametrize(
    ("text", "targets", "message"),
    [
        ("nothing", ["tea"], "no mask with index 0"),
        (MASK, ["tea", " "], "empty"),
        (MASK, ["tea " * 600], "too long"),
    ],
)
def test_invalid_targets_are_refused(model: mlm.MaskedLM, text: str, targets: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mlm.rank_targets(model, text, targets)


def test_no_targets_give_no_candidates(model: mlm.MaskedLM) -> None:
    assert mlm.rank_targets(model, MASK, []) == []


@pytest.mark.parametrize("name", ["roberta", "xlm-roberta", "bert-cased"])
def test_every_tokenizer_ranks_targets(model_of: Callable[[str], mlm.MaskedLM], name: str) -> None:
    words = mlm.rank_targets(model_of(name), "She drank a cup of [MASK] with milk.", ["zebra", "a zebra or two", "tea"])
    assert sum(word.probability for word in words) == pytest.approx(1)


@pytest.mark.parametrize("function", [mlm.cloze, mlm.rank_targets])
def test_one_target_is_not_read_letter_by_letter(model: mlm.MaskedLM, function: Callable[..., Any]) -> None:
    assert [found.text for found in function(model, f"The {MASK} is blue.", "sky")] == ["sky"]


@pytest.mark.parametrize("function", [mlm.cloze, mlm.rank_targets])
def test_a_target_of_a_wrong_type_is_named(model: mlm.MaskedLM, function: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="a target must be a str, not int"):
        function(model, f"The {MASK} is blue.", ["sky", 3])
