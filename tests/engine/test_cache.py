"""What the engine remembers: as much as it may, and the newest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fillmask_ls.engine.api import SurprisalQuestion
from fillmask_ls.engine.cache import Memory


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=60))
def test_what_lay_longest_unused_goes_until_the_rest_is_small_enough(added: list[tuple[int, int]]) -> None:
    memory = Memory(50, lambda _key, value: value)
    model: list[tuple[int, int]] = []
    for key, value in added:
        memory[key] = value
        model = [each for each in model if each[0] != key] + [(key, value)]
        while sum(size for _, size in model) > 50:
            model.pop(0)
    assert [(key, memory[key]) for key in list(memory)] == model
    assert memory.additions == len(added)


def test_one_that_is_too_large_is_kept_alone() -> None:
    memory = Memory(50, lambda _key, value: value)
    memory["a"], memory["b"] = 1, 51
    assert list(memory) == ["b"]


def test_what_is_used_stays() -> None:
    memory = Memory(50, lambda _key, value: value)
    memory["a"], memory["b"] = 25, 25
    assert memory["a"] == 25
    memory["c"] = 25
    assert list(memory) == ["a", "c"]


def test_long_texts_leave_no_room_for_many_answers() -> None:
    answers = Memory.of_answers()
    for number in range(200):
        answers[SurprisalQuestion(f"{number} " + "x" * 10_000, 5)] = object()
    assert len(answers) < 10
