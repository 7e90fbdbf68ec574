"""Probabilities as people read them."""

from __future__ import annotations

_EIGHTHS = " ▏▎▍▌▋▊▉"


def percent(probability: float) -> str:
    """``41.2 %``; what is not nothing is never shown as nothing."""
    return "< 0.1 %" if 0 < probability < 0.0005 else f"{probability:.1%}".replace("%", " %")


def bar(probability: float, width: int = 10) -> str:
    """A bar of at most ``width`` characters, exact to an eighth of one."""
    eighths = round(min(max(probability, 0.0), 1.0) * width * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
