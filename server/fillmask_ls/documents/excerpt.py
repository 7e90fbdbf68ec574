"""Excerpts: as many sentences around an index of prose as a model can read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import regex

from fillmask_ls import MASK
from fillmask_ls.spans import Span
from fillmask_ls.words import ends_clause, find_sentences

from .prose import Prose
from .token_estimate import estimate_tokens, token_spans

_LINE = regex.compile(r"[^\n]+")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """An excerpt of prose, in one line.

    Attributes:
        text: the excerpt.
        origins: for each character, its origin in the prose.
        focus: the index in the text of the character that the excerpt was cut around.
    """

    text: str
    origins: Sequence[int]
    focus: int


def cut_excerpt(prose: Prose, focus: int, tokens: int) -> Excerpt:
    """Return the sentence at index ``focus`` and the sentences around it.

    Sentences of the same paragraph come first, then those of its neighbors, in turn from both sides. A sentence that is
    too long is cut between words.

    Args:
        tokens: maximum length of the excerpt, estimated.
    """
    return _in_one_line(prose, _excerpt_span(prose.text, focus, tokens), focus)


def _excerpt_span(text: str, focus: int, tokens: int) -> Span:
    sentences = find_sentences(text)
    current = _index_at(sentences, focus)
    room = tokens - estimate_tokens(text[slice(*sentences[current])])
    if room < 0:
        words = list(token_spans(text, sentences[current]))
        current = _index_at(words, focus)
        first, last, _ = _grow(text, words, (current, current), (0, len(text)), tokens - 1)
        return words[first][0], words[last][1]
    start, end = _paragraph_span(text, focus)
    # A mask at the end of its paragraph is in an unfinished sentence, which the next paragraph doesn't continue.
    is_unfinished = text.endswith(MASK, start, end)
    first, last, room = _grow(text, sentences, (current, current), (start, end + 1), room)
    first, last, room = _grow(text, sentences, (first, last), (0, end if is_unfinished else len(text)), room)
    excerpt_end = sentences[last][1]
    return sentences[first][0], min(excerpt_end, end) if is_unfinished else excerpt_end


def _grow(text: str, spans: Sequence[Span], chosen: tuple[int, int], limits: Span, room: int) -> tuple[int, int, int]:
    """Add spans on both sides in turn to the chosen ones, as long as they fit.

    Args:
        chosen: the indexes of the first and the last span.
        limits: the span of ``text`` to stay in.
        room: how many tokens may be added.

    Returns:
        The indexes of the first and the last span, and the room left.
    """
    first, last = chosen
    grows_before = grows_after = True
    while grows_before or grows_after:
        grows_before = grows_before and first > 0 and spans[first - 1][0] >= limits[0]
        if grows_before:
            cost = estimate_tokens(text[slice(*spans[first - 1])])
            grows_before = cost <= room
            first, room = (first - 1, room - cost) if grows_before else (first, room)
        grows_after = grows_after and last + 1 < len(spans) and spans[last + 1][1] <= limits[1]
        if grows_after:
            cost = estimate_tokens(text[slice(*spans[last + 1])])
            grows_after = cost <= room
            last, room = (last + 1, room - cost) if grows_after else (last, room)
    return first, last, room


def _in_one_line(prose: Prose, span: Span, focus: int) -> Excerpt:
    """Return a span of prose in one line; a paragraph without punctuation at its end gets a full stop."""
    parts: list[str] = []
    origins: list[int] = []
    for line in _LINE.finditer(prose.text.rstrip(), *span):
        start, end = line.span()
        if parts:
            separator = " " if ends_clause(parts[-1]) else ". "
            parts.append(separator)
            origins += [origins[-1]] * len(separator)
        if start <= focus < end:
            excerpt_focus = len(origins) + focus - start
        parts.append(line[0])
        origins += prose.origins[start:end]
    return Excerpt("".join(parts).rstrip(), origins, excerpt_focus)


def _paragraph_span(text: str, index: int) -> Span:
    end = text.find("\n", index)
    return text.rfind("\n", 0, index) + 1, end if end >= 0 else len(text)


def _index_at(spans: Sequence[Span], index: int) -> int:
    """Return the index of the last span that starts at ``index`` or before."""
    return bisect_right(spans, index, key=itemgetter(0)) - 1
