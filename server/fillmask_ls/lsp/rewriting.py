"""What fills, hides and restores words in a document: each gives the replacements, none makes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fillmask_ls import MASK
from fillmask_ls.documents import prose
from fillmask_ls.documents.context import Passage
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import FillQuestion, PredictQuestion, SampleMaskQuestion
from fillmask_ls.spans import Span

from .edits import Replacements
from .progress import progress

if TYPE_CHECKING:
    from .server import FillmaskServer

_JOINTLY = 8
"""How many masks are filled together: each is one step of a search."""

_FAST = 16
"""How many masks are filled so fast that nobody need be shown how it goes."""


async def filled(server: FillmaskServer, document: TextDocument, span: Span) -> Replacements:
    """The best words for all masks in a span: some together, and then the next, which read what the earlier were filled
    with. A mask that no word fits stays. Where there are many, the client shows
    how it goes, and the user can cancel it."""
    max_subwords = (await server.settled(document)).max_subwords
    passages = await server.passages(document, span)
    count, this = sum(len(places) for _, places in passages), asyncio.current_task()
    if count <= _FAST:
        return await _filled(server, passages, max_subwords, lambda _done: None)
    assert this is not None  # noqa: S101 - a coroutine runs in a task
    async with progress(server, "Filling masks", f"0 of {count}", cancel=this.cancel) as bar:
        bar.outcome = "not filled"
        found = await _filled(
            server, passages, max_subwords, lambda done: bar.report(done, count, f"{done} of {count}")
        )
        bar.outcome = f"{len(found)} of {count} filled"
        return found


async def _filled(
    server: FillmaskServer,
    passages: list[tuple[Passage, list[Span]]],
    max_subwords: int,
    report: Callable[[int], None],
) -> Replacements:
    found: dict[Span, str] = {}
    for passage, places in passages:
        for first in range(0, len(places), _JOINTLY):
            some = places[first : first + _JOINTLY]
            text, spans, numbers = _with_words(passage, found)
            start = numbers.index(passage.focus + first)
            words = await _best(server, text, spans, range(start, start + len(some)), max_subwords)
            found.update((place, word) for place, word in zip(some, words, strict=True) if word)
            report(len(found))
    return list(found.items())


async def _best(
    server: FillmaskServer, text: str, spans: tuple[Span, ...], asked: range, max_subwords: int
) -> list[str]:
    if len(spans) > 1:
        # As few as they are, the others are filled too, so that those asked for agree with them.
        chosen = asked if len(spans) > _JOINTLY else range(len(spans))
        fills = await server.engine.fill_jointly(FillQuestion(text, spans, 1, (chosen.start, chosen.stop)))
        if fills:
            return [fills[0].words[chosen.index(number)] for number in asked]
    pieces = max_subwords if len(asked) == 1 else 1
    ranking = await server.engine.predict(PredictQuestion(text, spans, 1, focus=asked.start, max_subwords=pieces))
    return [next((word.text for word in ranking.predictions[number].candidates), "") for number in asked]


def _with_words(passage: Passage, words: Mapping[Span, str]) -> tuple[str, tuple[Span, ...], list[int]]:
    """The passage's text with the words in it that are found already, its other masks and their numbers."""
    parts: list[str] = []
    spans: list[Span] = []
    numbers: list[int] = []
    end = length = 0
    for number, (start, stop) in enumerate(passage.masks):
        place = passage.document_span(number)
        word = words.get(place, MASK) if place else MASK
        parts += [passage.text[end:start], word]
        length += start - end
        if word is MASK:
            spans.append((length, length + len(word)))
            numbers.append(number)
        length += len(word)
        end = stop
    return "".join([*parts, passage.text[end:]]), tuple(spans), numbers


async def masked(
    server: FillmaskServer, document: TextDocument, span: Span, *, rate: float, seed: int, whole_words: bool
) -> Replacements:
    """Masks in the place of words, or pieces of words, chosen at random in the prose of a span."""
    text = document.slice(*span)
    strip_markup = (await server.settled(document)).prose == "auto"
    kind = prose.language(document.language_id, document.uri) if strip_markup else ""
    found = await server.off_loop(lambda: prose.all_prose(text, kind))
    chosen = await server.engine.sample_mask(SampleMaskQuestion(found.text, rate, seed, whole_words))
    places = [(found.origins[start], found.origins[end - 1] + 1) for start, end in chosen]
    # With markup inside, a word is not what stands in the document; and who wants words wants no full stop.
    return [
        ((span[0] + low, span[0] + high), MASK)
        for (low, high), (start, end) in zip(places, chosen, strict=True)
        if text[low:high] == found.text[start:end] and not (whole_words and not text[low].isalnum())
    ]


def restored(document: TextDocument, span: Span) -> Replacements:
    """The words that the masks in a span hide, where they are known."""
    return document.masked_words.words(*span)
