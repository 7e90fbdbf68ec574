"""The prose around a mask or word of a document, read from the text nearby."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress

from .languages.fragments import Fragment
from .languages.time_limit import TimeLimitError, time_limit
from .masks import Focus
from .prose import Prose, all_prose, join_fragments, prose_at, reading_start
from .text import TextDocument

_log = logging.getLogger(__name__)

_MIN_CHARACTERS_BEFORE = 8_000
"""The least characters to read before the focus if its language isn't clear: in a long comment or block of code."""

_MAX_SECONDS = 0.02
"""Processor time of lexers and grammars for the first attempt; the second gets a third of it, then the line is read."""

_REDUCED_REACH = 1_000
"""Characters to read in each direction in the second attempt."""

OTHER_DOCUMENT = -1
"""The origin of a character of another document."""


def prose_around(document: TextDocument, focus: Focus, language: str, reach: int) -> Prose | None:
    """Return the prose that contains ``focus``, without the letters typed after it; None in code.

    Args:
        language: from :func:`~fillmask_ls.documents.languages.registry.find_language`.
        reach: how many characters to read in each direction; at least twice as many before the focus if needed.
    """
    attempts = (
        (_MAX_SECONDS, reach, (reach, max(_MIN_CHARACTERS_BEFORE, 2 * reach))),
        (_MAX_SECONDS / 3, _REDUCED_REACH, (_REDUCED_REACH,)),
    )
    for seconds, characters_after, distances in attempts:
        with suppress(TimeLimitError), time_limit(seconds):
            return _read_around(document, focus, language, characters_after, distances)
    _log.info("Reading the prose of %s takes too long.", language)
    return None


def _read_around(
    document: TextDocument, focus: Focus, language: str, characters_after: int, distances: Sequence[int]
) -> Prose | None:
    """Return the prose that contains ``focus``; None in code.

    Args:
        characters_after: how many characters after the focus to read.
        distances: how many before it; the next one if what the first ones reach isn't clear.

    Raises:
        TimeLimitError: reading takes too long.
    """
    after = document.slice(focus.typed_end, focus.typed_end + characters_after)
    if len(after) == characters_after:  # the last word may be cut off
        after = after[: max(after.rfind(" "), after.rfind("\n")) + 1] or after
    after = document.slice(focus.start, focus.end) + after
    prose = None
    for distance in distances:
        start = max(0, focus.start - distance)
        before = document.slice(start, focus.start)
        skipped, is_sure = reading_start(before, language) if start else (0, True)
        if is_sure or distance == distances[-1]:
            prose = prose_at(before[skipped:] + after, focus.start - start - skipped, language)
        if start == 0 or prose:
            break
    if prose is None:
        return None
    start += skipped
    focus_end = focus.end - start
    origins = [start + origin + (len(focus.prefix) if origin >= focus_end else 0) for origin in prose.origins]
    return Prose(prose.text, origins)


def line_around(document: TextDocument, focus: Focus, reach: int) -> Prose:
    """Return the line of ``focus`` as plain text, at most ``reach`` characters in each direction."""
    start, end = document.line_span(document.position(focus.start).line)
    start, end = max(start, focus.start - reach), min(end, focus.typed_end + reach)
    return join_fragments(
        [
            Fragment(start, focus.end, document.slice(start, focus.end)),
            Fragment(focus.typed_end, end, document.slice(focus.typed_end, end)),
        ]
    )


def with_surroundings(prose: Prose, document: TextDocument, focus: Focus, language: str, reach: int) -> Prose:
    """Return prose of markup around ``focus`` with the prose before and after it, as paragraphs of their own.

    Args:
        prose: prose of the document that contains ``focus``.
        reach: how many characters to read in each direction.
    """
    low, high = max(0, focus.start - reach), focus.typed_end + reach
    start, end = max(low, min(prose.origins)), max(focus.typed_end, max(prose.origins) + 1)
    before, after = document.slice(low, start), document.slice(end, high)
    skipped = reading_start(before, language)[0] if low else 0
    first = _words_at(low + skipped, before[skipped:], language)
    return join_prose(join_prose(first, prose), _words_at(end, after, language))


def _words_at(offset: int, source: str, language: str) -> Prose:
    """Return the prose of the source at an index of a document; none if it is only marks."""
    prose = all_prose(source, language, seconds=_MAX_SECONDS / 3)
    has_words = any(map(str.isalnum, prose.text))
    return Prose(prose.text, [offset + origin for origin in prose.origins]) if has_words else Prose("", [])


def first_prose(document: TextDocument, language: str, length: int) -> Prose:
    """Return the prose in the first ``length`` characters of another document."""
    return _from_other_document(all_prose(document.slice(0, length), language))


def last_prose(document: TextDocument, language: str, length: int) -> Prose:
    """Return the prose in the last ``length`` characters of another document."""
    return _from_other_document(all_prose(document.slice(len(document) - length, len(document)), language))


def join_prose(first: Prose, second: Prose) -> Prose:
    """Return the prose of two documents, each on lines of its own."""
    if not (first.text and second.text):
        return first if first.text else second
    return Prose(f"{first.text}\n{second.text}", [*first.origins, first.origins[-1], *second.origins])


def _from_other_document(prose: Prose) -> Prose:
    return Prose(prose.text, [OTHER_DOCUMENT] * len(prose.text))
