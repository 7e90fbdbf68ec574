"""Lexical substitution: other words for a word of a text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillmask_ls import MASK, mlm


def others(model: mlm.MaskedLM, text: str, word: str, **options: int) -> list[str]:
    start = text.index(word)
    return [found.text for found in mlm.substitutes(model, text, (start, start + len(word)), **options)]


def test_substitutes_are_similar_in_meaning_and_form(model: mlm.MaskedLM) -> None:
    assert {"strolled", "marched", "strode"} <= set(
        others(model, "She walked slowly to the old house and opened the door.", "walked", top_k=15)
    )
    assert {"lovely", "wonderful", "gorgeous"} <= set(others(model, "The weather is beautiful today.", "beautiful"))


def test_word_and_its_other_forms_are_left_out(model: mlm.MaskedLM) -> None:
    found = others(model, "She walked slowly to the old house.", "walked", top_k=50)
    assert len(found) == 50
    assert not {"walked", "walk", "walks", "walking", "Walked"} & set(found)


def test_synonyms_come_early_and_antonyms_late(model: mlm.MaskedLM) -> None:
    text = "The soup is hot, so wait before you eat it."
    found = others(model, text, "hot", top_k=30)
    assert found[0] == "warm"
    assert not {"cold", "cool", "icy"} & set(found[:5])


def test_substitutes_have_the_form_of_the_word(model: mlm.MaskedLM) -> None:
    found = others(model, "He walks to school every day.", "walks", top_k=5)
    assert all(word.endswith("s") for word in found), found


@pytest.mark.parametrize(
    ("text", "word", "unwanted"),
    [
        ("The children were running across the field.", "running", {"run", "ran"}),
        ("She's a better singer than me.", "better", {"good", "best"}),
        ("He sold his car last week.", "sold", {"sell", "selling", "bought"}),
        ("The doctors looked at the picture.", "doctors", {"doctor", "physician"}),
        ("She always arrives late.", "always", {"never"}),
        ("It is colder than yesterday.", "colder", {"cold", "hotter", "warmer"}),
        ("The room was very dark and cold.", "dark", {"darkness", "darkening", "darkened"}),
        ("The king and queen ruled.", "king", {"queen"}),
        ("My father came to Paris yesterday.", "father", {"mother"}),
        ("My father was born in Paris.", "born", {"died"}),
        ("My father came to Paris yesterday.", "yesterday", {"today", "tomorrow"}),
        ("He opened the door and left.", "door", {"window"}),
    ],
)
def test_other_forms_antonyms_and_contrasts_are_not_among_the_first(
    model: mlm.MaskedLM, text: str, word: str, unwanted: set[str]
) -> None:
    assert not unwanted & set(others(model, text, word))


def test_words_of_the_sentence_and_function_words_come_late(model: mlm.MaskedLM) -> None:
    text = "The dog chased the cat because the dog was mad. The puppy slept."
    found = others(model, text, "dog")
    assert not {"cat", "chased", "mad"} & set(found)
    assert "puppy" in found[:5]
    assert not {"the", "a", "of", "in"} & set(others(model, "The company profits fell.", "company"))
    assert {"in", "at"} & set(others(model, "He lived near the sea.", "near"))


def test_probabilities_add_up_to_one_without_the_forms_of_the_word(model: mlm.MaskedLM) -> None:
    found = mlm.substitutes(model, "She was happier than ever.", (8, 15), top_k=1_000)
    assert 0.99 < sum(word.probability for word in found) <= 1 + 1e-5


def test_substitutes_keep_the_case_of_the_word(model: mlm.MaskedLM) -> None:
    assert all(word[0].isupper() for word in others(model, "He lived in Paris, the capital.", "Paris"))
    assert all(word.isupper() for word in others(model, "He was HAPPY about it.", "HAPPY"))
    assert all(word[0].isupper() or not word[0].isalpha() for word in others(model, "Walking is healthy.", "Walking"))


def test_substitutes_of_an_abbreviation_have_capitals_only_in_a_sentence_in_capitals(model: mlm.MaskedLM) -> None:
    for text, word in (("NASA launched a rocket.", "NASA"), ("They work for the FBI in town.", "FBI")):
        found = others(model, text, word)
        assert not all(word.isupper() for word in found), found
    assert all(word.isupper() for word in others(model, "YESTERDAY NASA LAUNCHED A ROCKET.", "NASA"))


@pytest.mark.parametrize(
    ("text", "word", "wanted"),
    [
        ("The teacher's book was lost.", "teacher's", "student's"),
        ("He looked at the company’s profits.", "company’s", "firm’s"),
        ("THE TEACHER'S BOOK WAS LOST IN TOWN.", "TEACHER'S", "STUDENT'S"),
    ],
)
def test_substitutes_of_a_possessive_keep_its_ending(model: mlm.MaskedLM, text: str, word: str, wanted: str) -> None:
    found = others(model, text, word)
    assert wanted in found
    assert all(each.endswith(wanted[-2:]) for each in found)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("He didn't go.", "didn't"),
        ("We're late again.", "We're"),
        ("It's raining.", "It's"),
        ("I knew he’d come.", "he’d"),
        ("Let's go home.", "Let's"),
        ("I'm sure that we'll win.", "we'll"),
    ],
)
def test_contractions_have_no_substitutes(model: mlm.MaskedLM, text: str, word: str) -> None:
    assert others(model, text, word) == []


def test_substitutes_are_sorted_and_the_same_at_each_call(model: mlm.MaskedLM) -> None:
    text = "She drank a cup of tea with milk."
    first = mlm.substitutes(model, text, (19, 22))
    assert [word.probability for word in first] == sorted((word.probability for word in first), reverse=True)
    assert mlm.substitutes(model, text, (19, 22)) == first
    assert "tea" in [word.text for word in mlm.predict(model, text.replace("tea", MASK))[0].candidates]


def test_rare_words_phrases_and_emoji_have_substitutes(model: mlm.MaskedLM) -> None:
    for text, word in (
        ("They saw a platypus in the river.", "platypus"),
        ("He gave up smoking.", "gave up"),
        ("I ate 😀 today.", "😀"),
    ):
        assert len(others(model, text, word)) == 10


def test_word_in_a_long_text_is_substituted(short_model: mlm.MaskedLM) -> None:
    text = "The dog barked at the postman. " * 10 + "The weather is beautiful today. " + "It ran away. " * 10
    assert "lovely" in others(short_model, text, "beautiful")


def test_substitutes_contain_more_synonyms_than_predictions(model: mlm.MaskedLM) -> None:
    text = "The new law will enlarge the rights of every citizen."
    synonyms = {"expand", "extend", "increase", "broaden"}
    masked = mlm.predict(model, text.replace("enlarge", MASK), max_subwords=1)[0].candidates
    assert len(synonyms & set(others(model, text, "enlarge"))) > len(synonyms & {word.text for word in masked})


@pytest.mark.parametrize("span", [(0, 0), (3, 2), (-1, 3), (4, 400), (3, 4)])
def test_span_without_a_word_is_refused(model: mlm.MaskedLM, span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no word"):
        mlm.substitutes(model, "She walked.", span)


def test_word_longer_than_the_limit_is_refused(model: mlm.MaskedLM) -> None:
    with pytest.raises(ValueError, match="too long"):
        mlm.substitutes(model, "word " * 600, (0, 3000))
    with pytest.raises(ValueError, match="top_k"):
        mlm.substitutes(model, "word", (0, 4), top_k=0)


@pytest.mark.models
@pytest.mark.parametrize("name", ["roberta", "xlm-roberta", "bert-cased", "modernbert"])
def test_every_tokenizer_finds_substitutes(model_of: Callable[[str], mlm.MaskedLM], name: str) -> None:
    found = others(model_of(name), "She drank a cup of tea with milk.", "tea", top_k=3)
    assert len(found) == 3
    assert all(word.isalnum() for word in found)


@given(st.text(min_size=1, max_size=30), st.data())
@settings(deadline=None, max_examples=30)
def test_any_part_of_any_text_has_substitutes(tiny_bert: mlm.MaskedLM, text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    if text[start:end].strip():
        assert len(mlm.substitutes(tiny_bert, text, (start, end), top_k=2)) <= 2
