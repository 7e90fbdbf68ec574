"""The length of a text in tokens, estimated without a tokenizer."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from fillmask_ls.spans import Span

_LETTERS_PER_TOKEN = 8

# Where tokenizers split a text: around punctuation, and around each character of scripts without spaces.
_TOKEN = regex.compile(r"\[MASK\]|[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]|[\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]")


def estimate_tokens(text: str) -> int:
    """Estimate the number of tokens in ``text``; a long word counts as several.

    >>> estimate_tokens("The [MASK] sat.")
    4
    """
    return sum(-(-len(token) // _LETTERS_PER_TOKEN) for token in _TOKEN.findall(text))


def token_spans(text: str, span: Span) -> Iterator[Span]:
    """Yield the spans of the estimated tokens of a span of ``text``; a long word is one."""
    return (match.span() for match in _TOKEN.finditer(text, *span))
