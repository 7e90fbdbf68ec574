"""Words that a writer left out; ``requests/test_diagnostic.py`` tests how they are shown."""

from __future__ import annotations

import itertools

import pytest

from fillmask_ls.engine.api import Candidate
from fillmask_ls.lsp.missing_words import MissingWord, without_neighbors

WORD = Candidate("to", 0.9)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_of_two_words_missing_around_one_word_the_clearer_is_named(order: tuple[int, ...]) -> None:
    spans = [(0, 2), (3, 5), (6, 8), (9, 11), (12, 14)]
    gains = [9.0, 20.0, 10.0, 11.0]
    gaps = [MissingWord(*pair, WORD, gain) for pair, gain in zip(itertools.pairwise(spans), gains, strict=True)]
    assert without_neighbors([gaps[index] for index in order]) == [gaps[1], gaps[3]]
