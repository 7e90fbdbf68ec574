"""English words: which letters make a word, and how names are written."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from fillmask_ls import english
from fillmask_ls.english import mistyped, names, thesaurus, word_groups, word_list
from fillmask_ls.presentation import wording


def test_examples_in_docstrings_are_right() -> None:
    for module in (mistyped, names, thesaurus, word_groups, word_list, wording):
        assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    "word", ["hose", "houses", "huose", "mouse", "housed", "ouse", "shouse", "hous", "House", "h", ""]
)
def test_words_one_slip_apart_are_mistyped_but_not_other_forms(word: str) -> None:
    assert not english.is_mistyped("houses", "housed")
    expected = word in {"hose", "huose", "mouse", "ouse", "shouse", "hous"}
    assert english.is_mistyped(word, "house") is english.is_mistyped("house", word) is expected


@pytest.mark.parametrize("word", ["house", "Paris", "retweeted", "misconfigured", "happier", "running", "healthcare"])
def test_words_are_listed_or_made_of_listed_ones(word: str) -> None:
    assert english.is_word(word)


@pytest.mark.parametrize("letters", ["kuber", "kubernet", "ambulanc", "hospit", "suitcas", "xqzy"])
def test_other_letters_are_no_words(letters: str) -> None:
    assert not english.is_word(letters)


@pytest.mark.parametrize(
    ("word", "proper"),
    [("monday", "Monday"), ("china", "China"), ("i", "I"), ("usa", "USA"), ("al", "al"), ("polish", "polish")],
)
def test_names_are_written_with_capitals(word: str, proper: str) -> None:
    assert english.proper_spelling(word) == proper


@pytest.mark.parametrize(
    ("word", "proper"), [("wellington", "Wellington"), ("ios", "iOS"), ("tv", "TV"), ("ii", "II"), ("cdc", "CDC")]
)
def test_names_that_the_list_lacks_are_written_with_capitals(word: str, proper: str) -> None:
    assert english.proper_spelling(word) == proper


@pytest.mark.parametrize(
    ("before", "word", "after"),
    [
        ("He works for the United ", "States", " government."),
        ("The ", "United", " States of America."),
        ("They live in the White ", "House", "."),
        ("Prime ", "Minister", " Boris Johnson resigned."),
        ("It rained. World War ", "II", " ended."),
        ("after the Second World ", "War", " and"),
        ("in the ", "House", " of Commons"),
        ("the Great Wall of ", "China", " is long"),
        ("He sailed the\nPacific ", "Ocean", " alone."),
        ("in the ", "Catholic", " Church"),
    ],
)
def test_words_beside_the_rest_of_a_name_have_its_capitals(before: str, word: str, after: str) -> None:
    assert english.spelling_in_name(word.lower(), before, after) == word


@pytest.mark.parametrize(
    ("before", "word", "after"),
    [
        ("the white ", "house", " on the hill"),
        ("White ", "house", " paint is cheap."),
        ("It rained. White ", "house", " paint is cheap."),
        ("a world ", "war", " began"),
        ("the ", "civil", " war"),
        ("There is a Catholic ", "church", " in town."),
        ("He is in the White, ", "house", " and all"),
        ("a House of ", "cards", ""),
        ("of ", "united", " states"),
        ("", "ocean", ""),
    ],
)
def test_words_of_a_name_in_their_ordinary_meaning_have_no_capitals(before: str, word: str, after: str) -> None:
    assert english.spelling_in_name(word, before, after) == word


def test_every_listed_name_is_spelled_right_beside_its_own_words() -> None:
    for name in Path(names.__file__).with_name("names.txt").read_text(encoding="ascii").splitlines():
        words = name.removeprefix("~").split()
        for number, word in enumerate(words if len(words) > 1 and name[0] != "#" else ()):
            before, after = (
                "".join(f"{each} " for each in words[:number]),
                "".join(f" {each}" for each in words[number + 1 :]),
            )
            assert english.spelling_in_name(word.lower(), f"Here is the {before}", after) == word


def test_profane_words_are_known_in_any_case() -> None:
    assert english.is_profane("Shit")
    assert not english.is_profane("shift")


@pytest.mark.parametrize(
    ("word", "related", "antonym"),
    [
        ("hot", "warm", "cold"),
        ("Bigger", "larger", "smaller"),
        ("bought", "purchased", "sold"),
        ("HOUSES", "homes", None),
    ],
)
def test_the_thesaurus_keeps_the_form_of_a_word(word: str, related: str, antonym: str | None) -> None:
    assert related in thesaurus.related_words(word)
    assert antonym is None or antonym in thesaurus.antonyms(word)


@pytest.mark.parametrize("word", ["", "xqzy", "gave up", "größer", "hot\tcold", "a\nb", "😀", "hot\t"])
def test_the_thesaurus_knows_nothing_about_other_letters(word: str) -> None:
    assert thesaurus.related_words(word) == thesaurus.antonyms(word) == thesaurus.other_forms(word) == []
