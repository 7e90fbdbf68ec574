"""Masks, words, sentences and spans; and the examples in the docstrings of the modules for text."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

from fillmask_ls.spans import replace_spans
from fillmask_ls.words import (
    apply_case,
    ends_clause,
    find_masks,
    find_sentences,
    find_standalone_words,
    find_typed_prefix,
    find_words,
    is_partial_mask,
    starts_sentence,
)


@pytest.mark.parametrize(
    "module",
    [
        "spans",
        "words",
        "documents.positions",
        "documents.surrogates",
        "documents.token_estimate",
        "documents.word_spans",
    ],
)
def test_examples_in_docstrings_are_right(module: str) -> None:
    result = doctest.testmod(import_module(f"fillmask_ls.{module}"))
    assert result.attempted > 0
    assert result.failed == 0


def test_replace_spans_keeps_the_text_between_them() -> None:
    assert replace_spans("one two three", [((0, 3), "1"), ((4, 7), ""), ((13, 13), "!")]) == "1  three!"
    assert replace_spans("one", []) == "one"


def test_masks_are_exact() -> None:
    assert find_masks("[MASK][MASK] [MASK ] [[MASK]] [mask]") == [(0, 6), (6, 12), (22, 28)]
    assert find_masks("[MASK]", offset=10) == [(10, 16)]


@pytest.mark.parametrize("text", ["[MASK]", "[MASK] el", "[MASK]el ", "[MASK]."])
def test_a_prefix_is_letters_directly_after_a_mask(text: str) -> None:
    assert find_typed_prefix(text) is None


@pytest.mark.parametrize(("text", "expected"), [("[", True), ("[]", True), ("[Mas", True), ("[x", False), ("", False)])
def test_a_partial_mask_is_recognized(text: str, expected: bool) -> None:
    assert is_partial_mask(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't know_it.", ["I", "don't", "know_it"]),
        ("Ünï\u0301 中文 42", ["Ünï\u0301", "中", "文", "42"]),
        ("'quoted' a-b", ["quoted", "a", "b"]),
    ],
)
def test_words_are_runs_of_letters_with_apostrophes_inside(text: str, expected: list[str]) -> None:
    assert [text[slice(*span)] for span in find_words(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See the “blue” (and green) house—please, don't.", "See the blue and green house please don't"),
        ("a/path x.com well-known me@here [MASK] [MASK]s $var snake_case end.", "snake_case end"),
        ("So... it goes!? Yes: it 'does'.", "So it goes Yes it does"),
    ],
)
def test_words_in_paths_addresses_and_compounds_are_not_standalone(text: str, expected: str) -> None:
    assert [text[slice(*span)] for span in find_standalone_words(text)] == expected.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two!  Three", ["One. ", "Two!  ", "Three"]),
        ("A line\nanother", ["A line\n", "another"]),
        ("Version 2.0 is e.g. here", ["Version 2.0 is e.g. here"]),
        ("一。二", ["一。", "二"]),
        ("", []),
    ],
)
def test_sentences_contain_the_whitespace_after_them(text: str, expected: list[str]) -> None:
    assert [text[slice(*span)] for span in find_sentences(text)] == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [("", True), ("— ", True), ("It rained. ", True), ('"Really?" ', True), ("the ", False), ("tools, e.g. ", False)],
)
def test_a_sentence_starts_after_the_end_of_another(before: str, expected: bool) -> None:
    assert starts_sentence(before) == expected


@pytest.mark.parametrize(("text", "expected"), [("Note:", True), ('"Yes."', True), ("The end", False), ("", False)])
def test_a_clause_ends_with_punctuation(text: str, expected: bool) -> None:
    assert ends_clause(text) == expected


@pytest.mark.parametrize(
    ("prefix", "expected"), [("", "elephant"), ("E", "Elephant"), ("EL", "ELEPHANT"), ("eL", "eLephant")]
)
def test_a_typed_prefix_keeps_its_case(prefix: str, expected: str) -> None:
    assert apply_case("elephant", prefix=prefix, begun=len(prefix)) == expected
