"""The passage around a mask or a word, as plain text for a model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from fillmask_ls.spans import Span
from fillmask_ls.words import find_masks, find_sentences, find_unmasked_words, may_end_sentence

from .excerpt import Excerpt, cut_excerpt
from .languages.inline_code import find_inline_code
from .languages.registry import code_language, find_language, is_code
from .masks import Focus
from .prose import Prose, is_verbatim
from .surroundings import (
    OTHER_DOCUMENT,
    first_prose,
    join_prose,
    last_prose,
    line_around,
    prose_around,
    with_surroundings,
)
from .text import TextDocument

DEFAULT_TOKENS = 256
"""The maximum length of a passage in tokens, by default."""

_CHARACTERS_PER_TOKEN = 16
"""How many characters to read per token: prose has about 5, with markup and code in between."""
_MIN_REACH = 2_000

_WORDS = re.compile(r"[\w\s,]*")
"""Text without markup: both of its ends are in the same string, comment, cell or note."""

_MIN_WORDS = 41
"""Fewer words of markup say too little by themselves; ``server/docs/performance.md`` contains the figures."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The text around a mask.

    Attributes:
        text: one line.
        masks: the spans of its masks, in order.
        focus: the index in ``masks`` of the mask that the passage was made for.
        origins: for each character, the document's index of the character or markup that it comes from; -1 if it comes
            from another document.
    """

    text: str
    masks: tuple[Span, ...]
    focus: int
    origins: Sequence[int]

    def document_span(self, mask_index: int) -> Span | None:
        """Return the span in the document of the mask with this index; None if it is in another document."""
        start, end = self.masks[mask_index]
        return None if self.origins[start] == OTHER_DOCUMENT else _document_span(self.origins, (start, end))


@dataclass(frozen=True, slots=True)
class WordPassage:
    """The text around a word.

    Attributes:
        text: one line.
        span: the word's span in it.
        origins: for each character, the document's index of the character or markup that it comes from; -1 if it comes
            from another document.
    """

    text: str
    span: Span
    origins: Sequence[int]

    @property
    def document_span(self) -> Span:
        """The span of the word in the document."""
        return _document_span(self.origins, self.span)


def passage(
    document: TextDocument,
    focus: Focus,
    *,
    tokens: int = DEFAULT_TOKENS,
    strip_markup: bool = True,
    before: Sequence[TextDocument] = (),
    after: Sequence[TextDocument] = (),
    min_words: int | None = None,
) -> Passage:
    """Return the passage around a mask: its paragraph, then sentences of the paragraphs before and after it.

    The prefix that was typed after the mask is left out. A paragraph that is too long is cut between sentences, a
    sentence between words. A mask at the end of its paragraph ends the passage. A short passage of its own, as a
    footnote, is read with the prose around it; a short comment or string, within the source as it is.

    Args:
        focus: the mask, with the letters that were typed after it.
        tokens: maximum length, estimated.
        strip_markup: whether to leave out markup and code, by the document's language; else all text is prose.
        before, after: documents with prose around this one's, the nearest first.
        min_words: the least words of a passage without its surroundings, at most half of ``tokens``; by default, by the
            language.
    """
    reader = _PassageReader(document, focus, tokens, before, after, strip_markup)
    prose = reader.prose() or line_around(document, focus, reader.reach)
    return _passage_of(reader.cut_with_enough_words(prose, min_words))


def prose_passage(
    document: TextDocument,
    focus: Focus,
    *,
    tokens: int = DEFAULT_TOKENS,
    strip_markup: bool = True,
    before: Sequence[TextDocument] = (),
    after: Sequence[TextDocument] = (),
) -> Passage | None:
    """Return the passage around a mask, as :func:`passage` does; None in code."""
    reader = _PassageReader(document, focus, tokens, before, after, strip_markup)
    prose = reader.prose()
    if prose is None or reader.is_in_inline_code():
        return None
    return _passage_of(reader.cut_with_enough_words(prose))


def word_passage(
    document: TextDocument,
    span: Span,
    *,
    tokens: int = DEFAULT_TOKENS,
    strip_markup: bool = True,
    before: Sequence[TextDocument] = (),
    after: Sequence[TextDocument] = (),
) -> WordPassage | None:
    """Return the passage around the word in ``span``; None in code.

    The word can be longer than ``span`` if it contains markup. The arguments are those of :func:`passage`.
    """
    reader = _PassageReader(document, Focus(*span), tokens, before, after, strip_markup)
    prose = reader.prose()
    if prose is None or reader.is_in_inline_code():
        return None
    narrow = reader.cut(prose)
    word = _word_at_focus(narrow)
    if word is None:
        return None
    start, end = _document_span(narrow.origins, word)
    origins = [origin - start for origin in narrow.origins]
    if not is_verbatim(narrow.text, word, origins, document.slice(start, end)):
        return None
    wide = reader.cut_with_enough_words(prose)
    same = _word_at_focus(wide)  # in source, an escape or a prefix of the string can be a part of the word
    if same is None or _document_span(wide.origins, same) != (start, end):
        return WordPassage(narrow.text, word, narrow.origins)
    return WordPassage(wide.text, same, wide.origins)


def passages_of_masks(
    document: TextDocument,
    masks: Sequence[Span],
    *,
    tokens: int = DEFAULT_TOKENS,
    strip_markup: bool = True,
    before: Sequence[TextDocument] = (),
    after: Sequence[TextDocument] = (),
) -> Iterator[Passage]:
    """Yield for each of some masks the passage that :func:`passage` returns for it.

    Masks of one sentence have the same text around them, so it is read once. The other arguments are those of
    :func:`passage`.

    Args:
        masks: spans of masks, in order.
    """
    current: Passage | None = None
    previous: Span | None = None
    for mask in masks:
        index = None
        if current is not None and previous is not None:
            between = document.slice(previous[1], mask[0])
            if _WORDS.fullmatch(between) and not may_end_sentence(between):
                index = _index_in_sentence(current, mask)
        if current is None or index is None:
            current = passage(
                document, Focus(*mask), tokens=tokens, strip_markup=strip_markup, before=before, after=after
            )
        else:
            current = replace(current, focus=index)
        previous = mask
        yield current


def passages(
    document: TextDocument,
    span: Span | None = None,
    *,
    tokens: int = DEFAULT_TOKENS,
    strip_markup: bool = True,
    before: Sequence[TextDocument] = (),
    after: Sequence[TextDocument] = (),
) -> Iterator[tuple[Passage, list[Span]]]:
    """Yield passages that together contain every mask of the document, or of a ``span`` of it, once.

    Each comes with the document spans of the masks to predict in it: its focus and masks after it. The other arguments
    are those of :func:`passage`.
    """
    masks = document.masks(*(span or (0, len(document))))
    current: tuple[Passage, list[Span]] | None = None
    index = 0
    while index < len(masks):
        next_passage = passage(
            document, Focus(*masks[index]), tokens=tokens, strip_markup=strip_markup, before=before, after=after
        )
        mask_spans = _masks_near_focus(next_passage, masks[index:])
        index += len(mask_spans)
        if current is not None and _is_same_text(next_passage, *current):
            current[1].extend(mask_spans)
        else:
            if current is not None:
                yield current
            current = next_passage, mask_spans
    if current is not None:
        yield current


def _index_in_sentence(passage: Passage, mask: Span) -> int | None:
    """Return the index in a passage of a mask in its sentence; None if the passage may be only a part of that sentence."""
    if len(find_sentences(passage.text)) == 1:
        return None
    following = passage.focus + 1
    is_in_passage = following < len(passage.masks) and passage.document_span(following) == mask
    return following if is_in_passage else None


def _masks_near_focus(passage: Passage, masks: Sequence[Span]) -> list[Span]:
    """Return the first of ``masks``, up to the middle of the text after the focus.

    Later masks get another passage, which contains more text after them.
    """
    focus_start = passage.masks[passage.focus][0]
    last_start = focus_start + (len(passage.text) - focus_start) // 2
    mask_spans: list[Span] = []
    for index, mask in zip(range(passage.focus, len(passage.masks)), masks, strict=False):
        if passage.masks[index][0] > last_start or passage.document_span(index) != mask:
            break
        mask_spans.append(mask)
    return mask_spans


def _is_same_text(next_passage: Passage, current: Passage, mask_spans: Sequence[Span]) -> bool:
    """Return whether the next passage is the current one with a later focus, as at the end of a document."""
    return (
        next_passage.focus == current.focus + len(mask_spans)
        and next_passage.text == current.text
        and next_passage.origins == current.origins
    )


@dataclass(frozen=True)
class _PassageReader:
    """Reads the text around a focus; the attributes are the arguments of :func:`passage`."""

    document: TextDocument
    focus: Focus
    tokens: int
    before: Sequence[TextDocument]
    after: Sequence[TextDocument]
    strip_markup: bool

    @cached_property
    def language(self) -> str:
        return self._language_of(self.document)

    @cached_property
    def reach(self) -> int:
        """How many characters to read in each direction."""
        return _reach(self.language, self.tokens)

    def prose(self) -> Prose | None:
        """Return the prose that contains the focus; None in code."""
        return prose_around(self.document, self.focus, self.language, self.reach)

    def is_in_inline_code(self) -> bool:
        if not self.strip_markup:
            return False
        low = max(0, self.focus.start - _MIN_REACH)
        nearby = find_inline_code(self.document.slice(low, self.focus.end + _MIN_REACH), self.language)
        return any(low + start <= self.focus.start < low + end for start, end in nearby)

    def cut(self, prose: Prose) -> Excerpt:
        """Return the excerpt around the focus of its prose and that of other documents."""
        focus_index = prose.find(self.focus.start)
        assert focus_index is not None  # noqa: S101 - the prose was chosen because it contains the focus
        for other in self.before:
            length = len(prose.text)
            prose = join_prose(last_prose(other, self._language_of(other), self.reach), prose)
            focus_index += len(prose.text) - length
        for other in self.after:
            prose = join_prose(prose, first_prose(other, self._language_of(other), self.reach))
        return cut_excerpt(prose, focus_index, self.tokens)

    def cut_with_enough_words(self, prose: Prose, min_words: int | None = None) -> Excerpt:
        """Cut the excerpt around the focus; one of few words from more prose: in code, from the source as plain text.

        Args:
            min_words: the least words of an excerpt without its surroundings, at most half of ``tokens``.
        """
        excerpt = self.cut(prose)
        if min_words is None:
            min_words = code_language(self.language).min_words if is_code(self.language) else _MIN_WORDS
        if not self.language or len(excerpt.text.split()) >= min(min_words, self.tokens // 2):
            return excerpt
        if is_code(self.language):
            source = prose_around(self.document, self.focus, "", _reach("", self.tokens))
            return self.cut(source) if source else excerpt
        return self.cut(with_surroundings(prose, self.document, self.focus, self.language, self.reach))

    def _language_of(self, document: TextDocument) -> str:
        return find_language(document.language_id, document.uri) if self.strip_markup else ""


def _reach(language: str, tokens: int) -> int:
    """Return how many characters to read in each direction for a passage; plain text has no markup in between."""
    characters_per_token = _CHARACTERS_PER_TOKEN if language else _CHARACTERS_PER_TOKEN // 2
    return max(_MIN_REACH, tokens * characters_per_token)


def _passage_of(excerpt: Excerpt) -> Passage:
    masks = tuple(mask for mask in find_masks(excerpt.text) if _is_whole(excerpt.origins, mask))
    return Passage(excerpt.text, masks, [start for start, _ in masks].index(excerpt.focus), excerpt.origins)


def _word_at_focus(excerpt: Excerpt) -> Span | None:
    return next((word for word in find_unmasked_words(excerpt.text) if word[0] <= excerpt.focus < word[1]), None)


def _is_whole(origins: Sequence[int], mask: Span) -> bool:
    """Return whether the mask's characters are consecutive in its document, too, with no markup in between."""
    start, end = mask
    return origins[start] == OTHER_DOCUMENT or origins[end - 1] - origins[start] == end - start - 1


def _document_span(origins: Sequence[int], span: Span) -> Span:
    return origins[span[0]], origins[span[1] - 1] + 1
