"""The passage around a mask or a word, as plain text for a model."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import regex

from fillmask_ls import MASK
from fillmask_ls.spans import Span
from fillmask_ls.words import find_masks, find_sentences, find_unmasked_words

from .languages import Piece
from .masks import Target
from .prose import Prose, all_prose, beginning, language, prose, read
from .text import TextDocument
from .word_spans import is_written, literals

TOKENS = 256
"""How many tokens a passage has, where nothing else is said."""

_CHARACTERS_PER_TOKEN = 16
"""How far to look: prose has some 5 characters a token, and markup and code stand between."""
_REACH = 2_000
"""How far to look at least."""
_FURTHER = 4
"""How many times as far to look where that doesn't show what the mask is in: a long comment, a long block of code."""

_FINISHED = regex.compile(r"""[.!?…:;,。！？]["'”’»)\]]*\s*\Z""")
_LINE = regex.compile(r"[^\n]+")
# Where a tokenizer cuts, more or less: a long word is several tokens, and each character where words have no blanks.
_WORD = regex.compile(r"\[MASK\]|[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]|[\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]")
_LETTERS_PER_TOKEN = 8


@dataclass(frozen=True, slots=True)
class Passage:
    """Plain text with masks in it.

    Attributes:
        text: one line.
        masks: where its masks are, in order.
        focus: the number of the one that was asked for.
        origins: for each character, the index in the document that it comes from, or stands at; -1 in another document.
    """

    text: str
    masks: tuple[Span, ...]
    focus: int
    origins: Sequence[int]

    def document_span(self, mask: int) -> Span | None:
        """Where a mask, by its number, is in the document; None if it is in another."""
        start, end = self.masks[mask]
        return (self.origins[start], self.origins[end - 1] + 1) if self.origins[start] >= 0 else None


@dataclass(frozen=True, slots=True)
class WordPassage:
    """Plain text around a word.

    Attributes:
        text: one line.
        span: where the word is in it.
        origins: for each character, the index in the document that it comes from, or stands at; -1 in another document.
    """

    text: str
    span: Span
    origins: Sequence[int]

    @property
    def document_span(self) -> Span:
        """Where the word is in the document."""
        return self.origins[self.span[0]], self.origins[self.span[1] - 1] + 1


def passage(
    document: TextDocument,
    target: Target,
    *,
    tokens: int = TOKENS,
    strip_markup: bool = True,
    before: Sequence[TextDocument] = (),
    after: Sequence[TextDocument] = (),
) -> Passage:
    """The prose around ``target``: its paragraph, then sentences of the neighbouring ones in turn.

    What was typed behind the target is left out: it is not text yet. A paragraph that is too long is cut at the ends of
    sentences, a sentence at those of words. A mask that ends its paragraph ends the passage, since the next paragraph
    does not go on with its sentence.

    Args:
        tokens: how long, at most; estimated.
        strip_markup: whether to leave out markup and code, by the document's language; else everything is prose.
        before, after: documents whose prose is around this one's, the nearest first.
    """
    kind, reach = _reading(document, tokens, strip_markup=strip_markup)
    found = _prose(document, target, kind, reach) or _line(document, target, reach)
    text, origins, focus = _excerpt(found, target, tokens, reach, before, after, strip_markup=strip_markup)
    masks = tuple((start, end) for start, end in find_masks(text) if _is_whole(origins, start, end))
    return Passage(text, masks, [start for start, _ in masks].index(focus), origins)


def word_passage(
    document: TextDocument,
    span: Span,
    *,
    tokens: int = TOKENS,
    strip_markup: bool = True,
    before: Sequence[TextDocument] = (),
    after: Sequence[TextDocument] = (),
) -> WordPassage | None:
    """The prose around a word, the characters of ``span`` or more where there is markup inside it; None in code.

    Otherwise as :func:`passage`.
    """
    kind, reach = _reading(document, tokens, strip_markup=strip_markup)
    target = Target(*span)
    found = _prose(document, target, kind, reach)
    if found is None or (strip_markup and _is_literal(document, span, kind)):
        return None
    text, origins, focus = _excerpt(found, target, tokens, reach, before, after, strip_markup=strip_markup)
    word = next(((start, end) for start, end in find_unmasked_words(text) if start <= focus < end), None)
    if word is None:
        return None
    first = origins[word[0]]
    source = document.slice(first, origins[word[1] - 1] + 1)
    written = is_written(text, word, [origin - first for origin in origins], source)
    return WordPassage(text, word, origins) if written else None


def passages(
    document: TextDocument,
    span: Span | None = None,
    *,
    tokens: int = TOKENS,
    strip_markup: bool = True,
    before: Sequence[TextDocument] = (),
    after: Sequence[TextDocument] = (),
) -> Iterator[tuple[Passage, list[Span]]]:
    """Every mask of the document, or of a ``span`` of it, once: a passage, and where each of its masks from the focus on
    is in the document."""
    masks = document.masks(*(span or (0, len(document))))
    taken: tuple[Passage, list[Span]] | None = None
    first = 0
    while first < len(masks):
        found = passage(
            document, Target(*masks[first]), tokens=tokens, strip_markup=strip_markup, before=before, after=after
        )
        places = _near(found, masks[first:])
        first += len(places)
        if taken is not None and _goes_on(found, *taken):
            taken[1].extend(places)
        else:
            if taken is not None:
                yield taken
            taken = found, places
    if taken is not None:
        yield taken


def _near(found: Passage, masks: Sequence[Span]) -> list[Span]:
    """The first of ``masks`` that the passage around them is to answer for: those further on have one with more behind
    them."""
    begin = found.masks[found.focus][0]
    last = begin + (len(found.text) - begin) // 2
    near = [
        found.document_span(number) for number in range(found.focus, len(found.masks)) if found.masks[number][0] <= last
    ]
    count = next(
        (i for i, (at, mask) in enumerate(zip(near, masks, strict=False)) if at != mask),
        min(len(near), len(masks)),
    )
    return list(masks[:count])


def _goes_on(found: Passage, before: Passage, places: Sequence[Span]) -> bool:
    """Whether a passage is the one before it, where a text ends: its masks are the next, and read once."""
    return found.focus == before.focus + len(places) and found.text == before.text and found.origins == before.origins


def estimated_tokens(text: str) -> int:
    """About how many tokens a model takes ``text`` for."""
    return sum(-(-len(word) // _LETTERS_PER_TOKEN) for word in _WORD.findall(text))


def _reading(document: TextDocument, tokens: int, *, strip_markup: bool) -> tuple[str, int]:
    """The language to read a document in, and how far to look."""
    kind = language(document.language_id, document.uri) if strip_markup else ""
    return kind, max(_REACH, tokens * (_CHARACTERS_PER_TOKEN if kind else _CHARACTERS_PER_TOKEN // 2))


def _is_literal(document: TextDocument, span: Span, kind: str) -> bool:
    """Whether a word is marked as code."""
    low = max(0, span[0] - _REACH)
    near = literals(document.slice(low, span[1] + _REACH), kind)
    return any(low + start <= span[0] < low + end for start, end in near)


def _prose(document: TextDocument, target: Target, kind: str, reach: int) -> Prose | None:
    """The prose that a mask or word is in, of what lies some ``reach`` characters around it."""
    after = document.slice(target.typed_end, target.typed_end + reach)
    if len(after) == reach:  # no half a word
        after = after[: after.rfind(" ") + 1] or after
    after = document.slice(target.start, target.end) + after
    for distance in (reach, reach * _FURTHER):
        low = max(0, target.start - distance)
        before = document.slice(low, target.start)
        cut, is_sure = beginning(before, kind) if low else (0, True)
        found = prose(before[cut:] + after, target.start - low - cut, kind)
        if low == 0 or (found and is_sure):
            break
    if found is None:
        return None
    low, typed = low + cut, len(target.prefix)
    behind = bisect_right(found.origins, target.end - 1 - low) if typed else len(found.origins)
    origins = [low + at for at in found.origins[:behind]]
    return Prose(found.text, origins + [low + at + typed for at in found.origins[behind:]])


def _line(document: TextDocument, target: Target, reach: int) -> Prose:
    """The line of a mask in code, as far as it is near."""
    low, high = document.line_span(document.position(target.start).line)
    low, high = max(low, target.start - reach), min(high, target.typed_end + reach)
    before = Piece(low, target.end, document.slice(low, target.end))
    return read([before, Piece(target.typed_end, high, document.slice(target.typed_end, high))])


def _prose_of(document: TextDocument, reach: int, *, strip_markup: bool) -> Prose:
    """The prose of another document: of its first ``reach`` characters, or of its last where that is negative."""
    end = len(document)
    text = document.slice(0, reach) if reach > 0 else document.slice(end + reach, end)
    found = all_prose(text, language(document.language_id, document.uri) if strip_markup else "")
    return Prose(found.text, [-1] * len(found.text))


def _joined(first: Prose, second: Prose) -> Prose:
    if not (first.text and second.text):
        return first if first.text else second
    return Prose(f"{first.text}\n{second.text}", [*first.origins, first.origins[-1], *second.origins])


def _window(text: str, focus: int, tokens: int) -> Span:
    """The sentence at ``focus`` and as many around it as there is room for, those of its paragraph first."""
    start, end = _paragraph(text, focus)
    whole = find_sentences(text)
    first = last = _at(whole, focus)
    room = tokens - estimated_tokens(text[slice(*whole[first])])
    if room < 0:
        parts = [found.span() for found in _WORD.finditer(text, *whole[first])]
        first = last = _at(parts, focus)
        first, last, _ = _grown(text, parts, (first, last), (0, len(text)), tokens - 1)
        return parts[first][0], parts[last][1]
    # The next paragraph doesn't go on with a sentence whose end is still to be written.
    unfinished = text.endswith(MASK, start, end)
    for limits in ((start, end + 1), (0, end if unfinished else len(text))):
        first, last, room = _grown(text, whole, (first, last), limits, room)
    return whole[first][0], min(whole[last][1], end) if unfinished else whole[last][1]


def _paragraph(text: str, index: int) -> Span:
    end = text.find("\n", index)
    return text.rfind("\n", 0, index) + 1, end if end >= 0 else len(text)


def _at(spans: Sequence[Span], index: int) -> int:
    return bisect_right(spans, index, key=itemgetter(0)) - 1


def _grown(text: str, spans: Sequence[Span], chosen: tuple[int, int], limits: Span, room: int) -> tuple[int, int, int]:
    """``chosen``, the numbers of the first and last span, with more spans on both sides in turn; and the room left."""
    first, last = chosen
    before = behind = True
    while before or behind:
        before = before and first > 0 and spans[first - 1][0] >= limits[0]
        if before:
            cost = estimated_tokens(text[slice(*spans[first - 1])])
            before = cost <= room
            first, room = (first - 1, room - cost) if before else (first, room)
        behind = behind and last + 1 < len(spans) and spans[last + 1][1] <= limits[1]
        if behind:
            cost = estimated_tokens(text[slice(*spans[last + 1])])
            behind = cost <= room
            last, room = (last + 1, room - cost) if behind else (last, room)
    return first, last, room


def _excerpt(
    found: Prose,
    target: Target,
    tokens: int,
    reach: int,
    before: Sequence[TextDocument],
    after: Sequence[TextDocument],
    *,
    strip_markup: bool,
) -> tuple[str, list[int], int]:
    """What is read around a target in the prose that was found, with its neighbours: the text, its origins, and where
    the target begins."""
    focus = found.find(target.start)
    assert focus is not None  # noqa: S101 - that is how the prose was found
    for other in before:
        length = len(found.text)
        found = _joined(_prose_of(other, -reach, strip_markup=strip_markup), found)
        focus += len(found.text) - length
    for other in after:
        found = _joined(found, _prose_of(other, reach, strip_markup=strip_markup))
    return _one_line(found, _window(found.text, focus, tokens), focus)


def _one_line(found: Prose, window: Span, focus: int) -> tuple[str, list[int], int]:
    """The text of a window in one line; a heading or an item that is only neighbouring becomes a sentence."""
    low, high = window
    parts: list[str] = []
    origins: list[int] = []
    for line in _LINE.finditer(found.text.rstrip(), low, high):
        start, end = line.span()
        if parts:
            closed = " " if _FINISHED.search(parts[-1]) else ". "
            parts.append(closed)
            origins += [found.origins[start - 1]] * len(closed)
        if start <= focus < end:
            place = len(origins) + focus - start
        parts.append(line[0])
        origins += found.origins[start:end]
    return "".join(parts).rstrip(), origins, place


def _is_whole(origins: Sequence[int], start: int, end: int) -> bool:
    """Whether a mask is one in its source too, with no markup inside."""
    return origins[start] == -1 or origins[end - 1] - origins[start] == end - start - 1
