"""The paragraphs of a document, as plain text for a model."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import regex

from fillmask_ls.spans import Span
from fillmask_ls.words import find_sentences, find_standalone_words

from .context import DEFAULT_TOKENS
from .languages.inline_code import find_inline_code
from .languages.registry import find_language
from .prose import all_prose, is_verbatim, reading_start
from .text import TextDocument
from .token_estimate import estimate_tokens

_REACH = 32_768
"""How many characters are read on each side of the last edit."""
_MAX_CHARACTERS = 16_384
"""Maximum total length, some 2,700 words: a longer document costs no more than this one."""
_MAX_PARAGRAPHS = 256
"""Maximum number of paragraphs: as many results are cached."""

_LINE = regex.compile(r"[^\n]+")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, or some sentences of a long one.

    Attributes:
        text: one line.
        words: the spans of its standalone words, in order: not in code, addresses or masks.
        origins: for each character, the document's index of the character or markup that it comes from.
    """

    text: str
    words: tuple[Span, ...]
    origins: Sequence[int]

    def document_span(self, span: Span) -> Span:
        """Return the span in the document of a span of the text."""
        return self.origins[span[0]], self.origins[span[1] - 1] + 1


def paragraphs(document: TextDocument, *, tokens: int = DEFAULT_TOKENS, strip_markup: bool = True) -> list[Paragraph]:
    """Return the paragraphs nearest to the document's last edit, the nearest first.

    A short document is returned whole; of a document with more than some ten pages, only a part. A sentence of ten pages
    is left out.

    Args:
        tokens: maximum length of each, estimated; a longer paragraph is split between sentences.
        strip_markup: whether to leave out markup and code, by the document's language; else all text is prose.
    """
    language = find_language(document.language_id, document.uri) if strip_markup else ""
    edit = document.last_edit
    low, high = max(0, edit - _REACH), edit + _REACH
    source = document.slice(low, high)
    skipped = reading_start(source, language)[0] if low else 0
    nearby = list(_paragraphs(source[skipped:], low + skipped, language, tokens))
    if high < len(document):  # the last paragraph may be cut off
        del nearby[-1:]
    nearby.sort(key=lambda paragraph: max(paragraph.origins[0] - edit, edit - paragraph.origins[-1] - 1, 0))
    chosen, room = [], _MAX_CHARACTERS
    for paragraph in nearby[:_MAX_PARAGRAPHS]:
        if len(paragraph.text) <= room:
            chosen.append(paragraph)
            room -= len(paragraph.text)
    return chosen


def _paragraphs(source: str, offset: int, language: str, tokens: int) -> Iterator[Paragraph]:
    prose = all_prose(source, language)
    code_edges = list(chain.from_iterable(find_inline_code(source, language)))
    for line in _LINE.finditer(prose.text):
        for start, end in _split_line(line[0], tokens):
            text = line[0][start:end].rstrip()
            origins = prose.origins[line.start() + start : line.start() + start + len(text)]
            words = tuple(
                word
                for word in find_standalone_words(text)
                # An odd number of edges precedes what is inside inline code.
                if bisect_right(code_edges, origins[word[0]]) % 2 == 0 and is_verbatim(text, word, origins, source)
            )
            yield Paragraph(text, words, [offset + origin for origin in origins])


def _split_line(line: str, tokens: int) -> Iterator[Span]:
    """Yield spans of whole sentences, each with at most ``tokens`` tokens unless a single sentence is longer."""
    start = length = 0
    for sentence_start, sentence_end in find_sentences(line):
        cost = estimate_tokens(line[sentence_start:sentence_end])
        if length and length + cost > tokens:
            yield start, sentence_start
            start, length = sentence_start, 0
        length += cost
    yield start, len(line)
