"""Probabilities for people: percentages and bars."""

from __future__ import annotations

_EIGHTHS = " ▏▎▍▌▋▊▉"


def percent(probability: float) -> str:
    """Return a probability (0 to 1) as a percentage, such as ``41.2 %``. Nonzero values never round to ``0.0 %``."""
    return "< 0.1 %" if 0 < probability < 0.0005 else f"{probability:.1%}".replace("%", " %")


def bar(probability: float, width: int = 10) -> str:
    """Return a bar of at most ``width`` characters for a probability (0 to 1), exact to an eighth of a character."""
    eighths = round(min(max(probability, 0.0), 1.0) * width * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
