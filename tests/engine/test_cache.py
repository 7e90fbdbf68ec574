"""LRU caches: capacity, and which results are dropped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fillmask_ls.engine.api import SurprisalQuestion
from fillmask_ls.engine.cache import LRUCache


def cache_of_sizes() -> LRUCache:
    """Create a cache whose results are their own sizes, with room for 50."""
    return LRUCache(50, lambda _key, size: size)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=60))
def test_least_recently_used_results_are_dropped(added: list[tuple[int, int]]) -> None:
    cache = cache_of_sizes()
    expected: list[tuple[int, int]] = []
    for key, size in added:
        cache[key] = size
        expected = [each for each in expected if each[0] != key] + [(key, size)]
        while sum(size for _, size in expected) > 50:
            expected.pop(0)
    assert [(key, cache[key]) for key in list(cache)] == expected
    assert cache.additions == len(added)


def test_result_that_is_too_large_is_kept_alone() -> None:
    cache = cache_of_sizes()
    cache["a"], cache["b"] = 1, 51
    assert list(cache) == ["b"]


def test_recently_used_result_is_kept() -> None:
    cache = cache_of_sizes()
    cache["a"], cache["b"] = 25, 25
    assert cache["a"] == 25
    cache["c"] = 25
    assert list(cache) == ["a", "c"]


def test_few_answers_to_long_texts_are_kept() -> None:
    answers = LRUCache.of_answers()
    for number in range(200):
        answers[SurprisalQuestion(f"{number} " + "x" * 10_000, 5)] = object()
    assert len(answers) < 10


def test_distributions_of_the_latest_64_masks_are_kept() -> None:
    distributions = LRUCache.of_masks()
    for number in range(20):
        distributions[number] = range(5)
    assert list(distributions) == list(range(8, 20))
