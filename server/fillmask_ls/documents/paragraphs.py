"""The paragraphs of a document, as plain text for a model."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import regex

from fillmask_ls.spans import Span
from fillmask_ls.words import find_sentences

from .context import TOKENS, estimated_tokens
from .prose import all_prose, beginning, language
from .text import TextDocument
from .word_spans import free_words, is_written, literals

_REACH = 32_768
"""How many characters on either side of the last edit are read."""
_MOST = 16_384
"""How many characters of the paragraphs nearest to it are taken: some 2,700 words, which cost the embedded model eight
seconds on two cores."""
_COUNT = 256
"""How many paragraphs at most: what was said of so many can be remembered."""

_LINE = regex.compile(r"[^\n]+")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, or some sentences of a long one.

    Attributes:
        text: one line.
        words: the spans of those that stand for themselves, in order: not in code, addresses or masks.
        origins: for each character, the index in the document that it comes from, or stands at.
    """

    text: str
    words: tuple[Span, ...]
    origins: Sequence[int]

    def document_span(self, span: Span) -> Span:
        """Where a part of the text is in the document."""
        return self.origins[span[0]], self.origins[span[1] - 1] + 1


def paragraphs(document: TextDocument, *, tokens: int = TOKENS, strip_markup: bool = True) -> list[Paragraph]:
    """The paragraphs nearest to the document's last edit, the nearest first; of a short document all.

    Of a document with more than some ten pages the rest is left out, so that none costs more than another.

    Args:
        tokens: how long each is at most, estimated; a longer one is cut at the ends of sentences.
        strip_markup: whether to leave out markup and code, by the document's language; else everything is prose.
    """
    kind = language(document.language_id, document.uri) if strip_markup else ""
    low, high = max(0, document.edited - _REACH), document.edited + _REACH
    source = document.slice(low, high)
    cut = beginning(source, kind)[0] if low else 0
    found = list(_paragraphs(source[cut:], low + cut, kind, tokens))
    if high < len(document):  # the last one is cut off somewhere
        del found[-1:]
    found.sort(key=lambda each: max(each.origins[0] - document.edited, document.edited - each.origins[-1] - 1, 0))
    chosen, room = [], _MOST
    for each in found[:_COUNT]:
        room -= len(each.text)
        if room < 0:
            break
        chosen.append(each)
    return chosen


def _paragraphs(source: str, at: int, kind: str, tokens: int) -> Iterator[Paragraph]:
    prose = all_prose(source, kind)
    code = list(chain.from_iterable(literals(source, kind)))
    for line in _LINE.finditer(prose.text):
        for start, end in _parts(line[0], tokens):
            text = line[0][start:end].rstrip()
            origins = prose.origins[line.start() + start : line.start() + start + len(text)]
            # Between the beginning of a literal and its end, an odd number of these lie before.
            words = tuple(
                (low, high)
                for low, high in free_words(text)
                if bisect_right(code, origins[low]) % 2 == 0 and is_written(text, (low, high), origins, source)
            )
            yield Paragraph(text, words, [at + origin for origin in origins])


def _parts(line: str, tokens: int) -> Iterator[Span]:
    """A line in as few runs of whole sentences as have at most so many tokens each, but for a longer sentence."""
    begin = length = 0
    for start, end in find_sentences(line):
        cost = estimated_tokens(line[start:end])
        if length and length + cost > tokens:
            yield begin, start
            begin, length = start, 0
        length += cost
    yield begin, len(line)
