"""Convert text to token ids, tokens and character offsets, for the tokenizer of any checkpoint.

A document's ``[MASK]`` becomes the model's own mask token. Every other special token in a text (``[SEP]``, ``</s>``)
stays text. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Protocol

import regex

from fillmask_ls.spans import Span
from fillmask_ls.words import find_masks

from .tokenizer_calls import TokenizerCalls
from .word_marks import WordMarks

SENTINEL_CHARACTER = "\ufdd0"
"""A noncharacter that backends may put into a text."""
_UNENCODABLE = regex.compile(r"[\ud800-\udfff\ufdd0]")
"""Characters that must not reach a backend: halves of surrogate pairs, and the sentinel's character."""

NO_LIMIT = 10**9
"""More tokens than any model reads; tokenizers without a limit claim 10^30 or -1."""

_MAX_CACHED_LENGTH = 10_000
"""Longer texts, in characters, are not kept in the cache of encodings."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """A tokenized text of ``n`` tokens, special tokens included. Don't change its lists: encodings are cached.

    Attributes:
        ids: the token ids.
        tokens: the tokens, as the vocabulary spells them.
        offsets: spans of the text; ``(0, 0)`` for special tokens that the tokenizer adds.
        special: True for special tokens and for masks.
        words: the number of each token's word as the tokenizer splits words, which is finer than a person does
            (``don ' t``); None for special tokens.
    """

    ids: list[int]
    tokens: list[str]
    offsets: list[Span]
    special: list[bool]
    words: list[int | None]

    def content(self, mask_id: int) -> list[int]:
        """Return the indexes of the tokens that stand for text, masks included."""
        return [index for index, special in enumerate(self.special) if not special or self.ids[index] == mask_id]


class TokenizerBackend(Protocol):
    """The library that a :class:`Tokenizer` asks.

    Attributes:
        mask_id: the id of the model's mask token.
        mask_token: the model's mask token, such as ``[MASK]`` or ``<mask>``.
        unknown_id: the id of the unknown token; None if the vocabulary has none.
        special_ids: the ids of all special tokens, the mask included.
        added_ids: the ids of words that were added to the vocabulary later, and are found anywhere in a text.
        vocabulary: the token of every id; an id without a token has an empty one.
        marks: the marks of the vocabulary.
    """

    mask_id: int
    mask_token: str
    unknown_id: int | None
    special_ids: frozenset[int]
    added_ids: frozenset[int]
    vocabulary: list[str]
    marks: WordMarks

    def encode(self, text: str, masks: Sequence[Span]) -> Encoding:
        """Tokenize a text of encodable characters, with special tokens around it."""

    def decode(self, rows: Iterable[Sequence[int]]) -> list[str]:
        """Return the text of each row of ids."""

    def normalize(self, texts: Sequence[str]) -> list[str]:
        """Return each text as the vocabulary spells it."""


class Tokenizer(TokenizerCalls):
    """The tokenizer of a checkpoint.

    Attributes:
        mask_id: the id of the model's mask token.
        special_ids: the ids of all special tokens, the mask included.
        added_ids: the ids of words that were added to the vocabulary later, and are found anywhere in a text.
        mask_token: the model's mask token, such as ``[MASK]`` or ``<mask>``.
        unknown_id: the id of the unknown token; None if the vocabulary has none.
        vocabulary: the token of every id; an id without a token has an empty one.
        vocab_size: the largest id + 1.
        marks: the marks by which tokens show where words begin and end.
        max_length: the model's limit of tokens, special tokens included.
    """

    def __init__(self, backend: TokenizerBackend, max_length: int = NO_LIMIT) -> None:
        """Wrap ``backend``."""
        self.mask_token = backend.mask_token
        self.mask_id = backend.mask_id
        self.special_ids = backend.special_ids
        self.added_ids = backend.added_ids
        self.unknown_id = backend.unknown_id
        self.vocabulary = backend.vocabulary
        self.vocab_size = len(backend.vocabulary)
        self.marks = backend.marks
        self.max_length = max_length
        self._backend = backend
        self._encode_cached = lru_cache(maxsize=4)(self._encode)  # a passage is cut into windows, then read

    def encode(self, text: str, masks: Sequence[Span] | None = None) -> Encoding:
        """Tokenize a text, with special tokens around it.

        Args:
            text: any text.
            masks: the spans that become mask tokens, each as long as ``[MASK]``; by default every ``[MASK]``.

        Raises:
            CheckpointError: the tokenizer panics.

        >>> model.tokenizer.encode("Fort Sumter's [MASK].").tokens
        ['[CLS]', 'fort', 'sum', '##ter', "'", 's', '[MASK]', '.', '[SEP]']
        """
        spans = tuple(find_masks(text) if masks is None else masks)
        return self._encode_cached(text, spans) if len(text) < _MAX_CACHED_LENGTH else self._encode(text, spans)

    def _encode(self, text: str, spans: Sequence[Span]) -> Encoding:
        encoding = self._backend.encode(_UNENCODABLE.sub("\ufffd", text), spans)
        if self.marks.each_token_is_a_word:
            numbers = [None if special else index for index, special in enumerate(encoding.special)]
            encoding = replace(encoding, words=numbers)
        return encoding

    def windows(self, text: str, max_length: int | None = None) -> Iterator[Span]:
        """Cut a text into consecutive spans of at most ``max_length`` tokens, between words if possible.

        Args:
            text: any text.
            max_length: special tokens included, at least 8; by default the model's limit.
        """
        room = (max_length or self.max_length) - self.added_tokens
        encoding = self.encode(text)
        content = [encoding.offsets[index] for index in encoding.content(self.mask_id)]
        if len(content) <= room:
            yield 0, len(text)
            return
        start = first = 0
        while len(content) - first > room or not self._fits(text[start:], room):
            cut = self._find_cut(text, content, first, room)
            if cut <= first:
                break
            end = content[cut][0]
            yield start, end
            start, first = end, cut
        yield start, len(text)

    def _find_cut(self, text: str, offsets: Sequence[Span], first: int, room: int) -> int:
        """Return the token that begins the next window, if one begins with the token ``first``."""
        last = min(first + room, len(offsets) - 1)
        between_words = (
            token for token in range(last, first + room // 2, -1) if not _is_inside_word(text, offsets[token][0])
        )
        cut = next(between_words, last)
        # A word that is cut can have more subwords than the whole word had.
        while cut > first + 1 and not self._fits(text[offsets[first][0] if first else 0 : offsets[cut][0]], room):
            cut -= 1
        return cut

    def _fits(self, text: str, room: int) -> bool:
        return len(self.encode(text).ids) <= room + self.added_tokens

    @cached_property
    def added_tokens(self) -> int:
        """The number of special tokens around a text."""
        return len(self.encode("").ids)

    def split_added_tokens(self, ids: list[int]) -> tuple[list[int], list[int]]:
        """Return the special tokens before and after a text, from the ids of the text with them.

        >>> model.tokenizer.split_added_tokens([101, 3000, 102])
        ([101], [102])
        """
        added = self.encode("").ids
        differs = (index for index, (a, b) in enumerate(zip(added, ids, strict=False)) if a != b)
        first = next(differs, len(added))
        return ids[:first], ids[len(ids) - len(added) + first :]

    def subwords(self, ids: Sequence[int]) -> tuple[tuple[str, int], ...]:
        """Return each id with its token: ``(("sum", 7680), ("##ter", 3334))``."""
        return tuple((self.vocabulary[id], id) for id in ids)

    def texts(self) -> list[str]:
        """Return the text of every id, without the mark of its position in a word (``##``, ``Ġ``, ``▁``)."""
        texts = self._backend.decode((id,) for id in range(self.vocab_size))
        return [self.marks.strip(text) for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text that tokens spell."""
        return self.marks.strip(self._backend.decode([ids])[0])

    def normalize(self, text: str) -> str:
        """Return a word as the model sees it: without capitals and accents for an uncased model."""
        return self.normalize_all([text])[0]

    def normalize_all(self, texts: Sequence[str]) -> list[str]:
        """Return what :meth:`normalize` returns for each word."""
        normalized = self._backend.normalize(texts)
        if self.marks.word_start_prefix:  # some normalizers put a space before a text
            return [self.marks.strip(text) for text in normalized]
        return normalized


def _is_inside_word(text: str, index: int) -> bool:
    return 0 < index < len(text) and text[index - 1].isalnum() and text[index].isalnum()
