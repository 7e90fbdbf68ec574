"""Find the characters of a text that tokens stand for, when a tokenizer returns only the tokens."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise, takewhile

from fillmask_ls.spans import Span

_LOOKAHEAD = 8
"""How many characters of the next tokens are looked for after tokens that the text doesn't contain."""
_MAX_WORD = 100
"""The longest word, in characters, that one token can stand for without being written in the text."""


def align(tokens: Sequence[str | None], text: str) -> list[Span]:
    """Return the span of each token in a text.

    Tokens are compared with the text without case, accents and compatibility forms, because a tokenizer can have
    removed them. A token that the text doesn't contain, such as that of an unknown word, gets the characters between
    its neighbors.

    Args:
        tokens: the tokens in order, without marks; None for an unknown one.
        text: the text that was tokenized.

    Returns:
        Spans in order. They don't overlap, but tokens that together spell one character (``...`` for ``…``) share it.
        A token that no character is left for has an empty span.

    >>> align(["cafe", None, "au", "lait"], "Café 😀 au lait")
    [(0, 4), (5, 6), (7, 9), (10, 14)]
    """
    # Tokenizers remove all control characters or none.
    dropped = "MZ" if any(_is_of(character, "C") for token in tokens for character in token or "") else "MZC"
    folded, origins = _fold_with_origins(text, dropped)
    needles = [_fold(token or "", dropped) for token in tokens]
    spans: list[Span] = []
    position = 0
    missing: list[str] = []
    for number, needle in enumerate(needles):
        if tokens[number] is not None and not needle and not missing:
            spans.append(_span_of_mark(text, spans[-1][1] if spans else 0))
            continue
        found = _find(folded, position, missing, needles[number : number + _LOOKAHEAD])
        if found < 0:
            missing.append(needle)
            continue
        spans += _share(origins, position, found, len(missing), len(text))
        missing = []
        position = found + len(needle)
        spans.append((origins[found], origins[position - 1] + 1))
    spans += _share(origins, position, len(folded), len(missing), len(text))
    return _extend_over_marks(spans, text)


def _find(folded: str, position: int, missing: Sequence[str], needles: Sequence[str]) -> int:
    """Return where the first of ``needles`` stands after ``missing`` tokens; -1 if it is not found."""
    needle = needles[0]
    if not needle:
        return -1
    if all(missing) and folded.startswith(needle, position + len(missing)):
        return position + len(missing)  # a tokenizer that replaces punctuation replaces single characters
    together = "".join(takewhile(bool, needles))[: max(_LOOKAHEAD, len(needle))]
    end = position + _MAX_WORD * (len(missing) + 1)
    found = folded.find(together, position + len(missing), end)
    return found if found >= 0 else folded.find(together, position, end)


def _span_of_mark(text: str, start: int) -> Span:
    """Return the span of a token that is only a combining mark, or a space."""
    return start, start + (start < len(text) and _is_of(text[start], "M"))


def _share(origins: Sequence[int], start: int, end: int, count: int, text_length: int) -> list[Span]:
    """Share the folded characters from ``start`` to ``end`` among ``count`` tokens."""
    cuts = [start + (end - start) * part // count for part in range(count + 1)] if count else []
    spans = []
    for low, high in pairwise(cuts):
        first = origins[low] if low < len(origins) else text_length
        spans.append((first, origins[high - 1] + 1 if low < high else first))
    return spans


def _fold_with_origins(text: str, dropped: str) -> tuple[str, list[int]]:
    """Return the folded text, and for each of its characters the index in the text that it comes from."""
    parts = [_fold_character(character, dropped) for character in text]
    return "".join(parts), [index for index, part in enumerate(parts) for _ in part]


def _fold(text: str, dropped: str) -> str:
    return "".join(_fold_character(character, dropped) for character in text)


def _fold_character(character: str, dropped: str) -> str:
    """Return a character without case, accents and compatibility forms; nothing if its category is ``dropped``."""
    if character.isspace() or _is_of(character, dropped):
        return ""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    # An accent by itself decomposes to a space and a mark.
    return "".join(part for part in decomposed if not (part.isspace() or _is_of(part, dropped))) or character


def _is_of(character: str, categories: str) -> bool:
    return unicodedata.category(character)[0] in categories


def _extend_over_marks(spans: Sequence[Span], text: str) -> list[Span]:
    """Extend each span over the combining marks after it."""
    extended = []
    for (start, end), (limit, _) in pairwise([*spans, (len(text), 0)]):
        while start < end < limit and _is_of(text[end], "M"):
            end += 1
        extended.append((start, end))
    return extended
