"""English words: which letters make a word, and how names are written."""

from __future__ import annotations

import doctest

import pytest

from fillmask_ls import english
from fillmask_ls.english import thesaurus
from fillmask_ls.presentation import wording


def test_examples_in_docstrings_are_right() -> None:
    for module in (english, thesaurus, wording):
        assert doctest.testmod(module).failed == 0


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
