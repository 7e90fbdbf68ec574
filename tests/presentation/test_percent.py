"""Percentages and bars."""

from __future__ import annotations

import pytest

from fillmask_ls.presentation.percent import bar, percent


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (0.0, "0.0 %"),
        (1e-300, "< 0.1 %"),
        (0.00049, "< 0.1 %"),
        (0.0005, "0.1 %"),
        (0.4123, "41.2 %"),
        (0.9999, "100.0 %"),
        (1.0, "100.0 %"),
    ],
)
def test_percent_shows_one_decimal_and_never_rounds_to_zero(probability: float, expected: str) -> None:
    assert percent(probability) == expected


@pytest.mark.parametrize(
    ("probability", "expected"), [(0.0, ""), (0.5, "█████"), (0.0125, "▏"), (1.0, "█" * 10), (-1, ""), (2, "█" * 10)]
)
def test_bar_is_exact_to_an_eighth_of_a_character(probability: float, expected: str) -> None:
    assert bar(probability) == expected
