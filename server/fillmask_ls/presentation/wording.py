"""Figures in words that a writer understands, with the figure behind them."""

from __future__ import annotations

_SURPRISAL_WORDS = ((3.0, "Expected here"), (8.0, "Usual here"), (14.0, "Unusual here"))
_UNCERTAINTY_WORDS = ((3, "Very sure"), (10, "Fairly sure"), (100, "Unsure"))


def surprisal_in_words(bits: float) -> str:
    """Return how unusual a word is.

    >>> surprisal_in_words(23.8)
    'Very unusual here (23.8 bits)'
    """
    words = next((words for limit, words in _SURPRISAL_WORDS if bits < limit), "Very unusual here")
    return f"{words} ({bits:.1f} bits)"


def uncertainty_in_words(effective_words: float) -> str:
    """Return how unsure a model is, from the number of equally probable words with the same entropy.

    >>> uncertainty_in_words(1174.2)
    'Very unsure (like choosing among 1,174 words)'
    """
    count = max(1, round(effective_words))
    words = next((words for limit, words in _UNCERTAINTY_WORDS if count < limit), "Very unsure")
    return f"{words} (like choosing among {count:,} words)" if count > 1 else words


def model_in_words(name: str) -> str:
    """Return the name of a model as a user knows it."""
    return "small built-in model" if name == "embedded" else name
