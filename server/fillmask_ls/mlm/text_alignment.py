"""Find the characters of a text that tokens stand for, when a tokenizer returns only the tokens."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise, takewhile

from fillmask_ls.spans import Span
from fillmask_ls.words import is_han

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
        found = _find(folded, origins, position, missing, needles[number : number + _LOOKAHEAD])
        if found < 0:
            missing.append(needle)
            continue
        spans += _share(text, folded, origins, (position, found), len(missing))
        missing = []
        position = found + len(needle)
        spans.append((origins[found], origins[position - 1] + 1))
    spans += _share(text, folded, origins, (position, len(folded)), len(missing))
    return _extend_over_marks(spans, text)


def _find(folded: str, origins: Sequence[int], position: int, missing: Sequence[str], needles: Sequence[str]) -> int:
    """Return where the first of ``needles`` stands after ``missing`` tokens; -1 if it is not found."""
    needle = needles[0]
    if not needle:
        return -1
    if all(missing) and folded.startswith(needle, position + len(missing)):
        return position + len(missing)  # a tokenizer that replaces punctuation replaces single characters
    together = "".join(takewhile(bool, needles))[: max(_LOOKAHEAD, len(needle))]
    end = position + _MAX_WORD * (len(missing) + 1)
    first = found = folded.find(together, position + len(missing), end)
    while found >= 0 and not all(missing) and _count_words(folded, origins, position, found) < len(missing):
        found = folded.find(together, found + 1, end)  # an unknown token stands for a whole word
    return next((place for place in (found, first) if place >= 0), folded.find(together, position, end))


def _count_words(folded: str, origins: Sequence[int], start: int, end: int) -> int:
    """Return how many words there are from ``start`` to ``end``; 0 if ``end`` is inside of a word."""
    if not _begins_word(folded, origins, end):
        return 0
    return sum(place == start or _begins_word(folded, origins, place) for place in range(start, end))


def _begins_word(folded: str, origins: Sequence[int], position: int) -> bool:
    """Return whether a word, a Chinese character or punctuation begins at a position of the folded text."""
    if position == 0 or origins[position] > origins[position - 1] + 1:
        return True
    if origins[position] == origins[position - 1]:  # inside of a character
        return False
    return any(is_han(neighbor) or _is_punctuation(neighbor) for neighbor in folded[position - 1 : position + 1])


def _is_punctuation(character: str) -> bool:
    """Return whether BERT's tokenizer, the one that has unknown tokens for words, splits at a character."""
    return _is_of(character, "P") or (character.isascii() and not character.isalnum())


def _span_of_mark(text: str, start: int) -> Span:
    """Return the span of a token that is only a combining mark, or a space."""
    return start, start + (start < len(text) and _is_of(text[start], "M"))


def _share(text: str, folded: str, origins: Sequence[int], part: Span, count: int) -> list[Span]:
    """Share a part of the folded text among ``count`` tokens: a word each if there are as many, or else characters."""
    if not count:
        return []
    start, end = part
    words = [position for position in range(start, end) if position == start or _begins_word(folded, origins, position)]
    characters = list(dict.fromkeys(origins[start:end]))
    following = origins[end] if end < len(origins) else len(text)
    if len(words) == count:
        ends = [origins[position - 1] + 1 for position in [*words[1:], end]]
        return [(origins[first], last) for first, last in zip(words, ends, strict=True)]
    cuts = [len(characters) * number // count for number in range(count + 1)]
    spans = []
    for low, high in pairwise(cuts):
        first = characters[low] if low < len(characters) else following
        spans.append((first, characters[high - 1] + 1 if low < high else first))
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
