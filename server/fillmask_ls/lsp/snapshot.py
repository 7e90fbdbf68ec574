"""A document, its settings and the client's capabilities, frozen when a request arrives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.documents import context
from fillmask_ls.documents.context import Passage, WordPassage
from fillmask_ls.documents.languages.registry import find_language
from fillmask_ls.documents.masks import Focus
from fillmask_ls.documents.paragraphs import Paragraph, paragraphs
from fillmask_ls.documents.prose import Prose, all_prose
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.settings import Settings
from fillmask_ls.spans import Span

from . import ranges
from .capabilities import Capabilities
from .reader import Reader

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The input of a handler besides the parameters. A handler reads the snapshot, never the live document.

    Attributes:
        document: a copy that never changes.
        settings: the settings of this document.
        capabilities: the client's capabilities.
        reader: the thread that reads prose.
        before, after: in a notebook, the neighboring Markdown cells, the nearest first.
    """

    document: TextDocument
    settings: Settings
    capabilities: Capabilities
    reader: Reader = field(repr=False)
    before: tuple[TextDocument, ...] = ()
    after: tuple[TextDocument, ...] = ()

    @property
    def strip_markup(self) -> bool:
        """Whether the model reads prose only, without markup and code."""
        return self.settings.prose == "auto"

    def index(self, position: types.Position) -> int:
        """Return the index of a client's position."""
        return ranges.to_index(self.document, position)

    def span(self, range_: types.Range) -> Span:
        """Return the span of a client's range."""
        return ranges.to_span(self.document, range_)

    def range(self, span: Span) -> types.Range:
        """Return the range of a span."""
        return ranges.to_range(self.document, span)

    async def passage(self, focus: Focus) -> Passage:
        """Return the prose around a mask."""
        return await self._read(context.passage, focus)

    async def masked_passage(self, word: Span) -> Passage:
        """Return the prose around a word, with a mask in its place."""
        return await self._read_masked(context.passage, word)

    async def prose_passage(self, word: Span) -> Passage | None:
        """Return the prose around a word or a gap between words, with a mask in its place; None in code."""
        return await self._read_masked(context.prose_passage, word)

    async def word_passage(self, word: Span) -> WordPassage | None:
        """Return the prose around a word; None where the word is not prose."""
        return await self._read(context.word_passage, word)

    async def passages_of_masks(self, masks: Sequence[Span]) -> list[Passage]:
        """Return for each of some masks, in order, what :meth:`passage` returns for it."""
        remaining = context.passages_of_masks(self.document, masks, **self._options())
        # One job of the reader for each passage, so that a completion can be read in between.
        return [await self.reader.run(next, remaining) for _ in masks]

    async def passages(self, span: Span | None = None) -> list[tuple[Passage, list[Span]]]:
        """Return passages that cover all masks in a span, each with the spans of the masks to predict in it."""
        remaining = context.passages(self.document, span, **self._options())
        passages: list[tuple[Passage, list[Span]]] = []
        # One job of the reader for each passage, so that a completion can be read in between.
        while (passage := await self.reader.run(next, remaining, None)) is not None:
            passages.append(passage)
        return passages

    async def prose(self, span: Span) -> Prose:
        """Return the prose in a span, one paragraph per line."""
        return await self.reader.run(all_prose, self.document.slice(*span), self.language)

    @property
    def language(self) -> str:
        """The language to read the document's prose in; empty if all text is prose."""
        return find_language(self.document.language_id, self.document.uri) if self.strip_markup else ""

    async def paragraphs(self) -> list[Paragraph]:
        """Return the paragraphs near the last edit, the nearest first."""
        return await self.reader.run(partial(paragraphs, self.document, strip_markup=self.strip_markup))

    async def _read(self, read: Callable[..., T], about: object, *, document: TextDocument | None = None) -> T:
        return await self.reader.run(partial(read, document or self.document, about, **self._options()))

    async def _read_masked(self, read: Callable[..., T], word: Span) -> T:
        masked = self.document.snapshot()
        masked.replace(masked.position(word[0]), masked.position(word[1]), MASK)
        return await self._read(read, Focus(word[0], word[0] + len(MASK)), document=masked)

    def _options(self) -> dict[str, Any]:
        return {
            "tokens": self.settings.context_tokens,
            "strip_markup": self.strip_markup,
            "before": self.before,
            "after": self.after,
        }
