"""Tokenizers that transformers has only in Python; they return tokens without offsets."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import regex

from fillmask_ls.spans import Span

from .text_alignment import align
from .tokenization import Encoding
from .word_marks import find_marks

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CONTENT = -1
"""Stands for a text where special tokens are put around it."""


class SlowTokenizer:
    """A backend of :class:`~fillmask_ls.mlm.tokenization.Tokenizer`; its attributes are documented there.

    The text between two masks is tokenized by itself, as these tokenizers do, and the tokens are aligned with it.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Wrap ``tokenizer``.

        Raises:
            ValueError: it has no mask token.
        """
        if tokenizer.mask_token is None or tokenizer.mask_token_id is None:
            raise ValueError("it has no mask token")
        id_of = tokenizer.get_vocab()
        self._tokenizer = tokenizer
        self.mask_token = str(tokenizer.mask_token)
        self.mask_id = int(tokenizer.mask_token_id)
        self.special_ids = frozenset(map(int, tokenizer.all_special_ids))
        self.added_ids = frozenset(tokenizer.get_added_vocab().values()) - self.special_ids
        self.unknown_id: int | None = tokenizer.unk_token_id
        self.vocabulary = [""] * (max(id_of.values(), default=-1) + 1)
        for token, id in id_of.items():
            self.vocabulary[id] = token
        self.marks = find_marks(self.vocabulary)

    def encode(self, text: str, masks: Sequence[Span]) -> Encoding:
        """Tokenize a text of encodable characters, with special tokens around it."""
        before, after = self._around
        encoding = Encoding([], [], [], [], [])
        _append_specials(encoding, self.vocabulary, before)
        for (_, start), (end, next_start) in pairwise([(0, 0), *masks, (len(text), len(text))]):
            self._append_text(encoding, text, start, end)
            if next_start > end:
                _append(encoding, self.mask_id, self.mask_token, (end, next_start), None)
        _append_specials(encoding, self.vocabulary, after)
        return encoding

    def _append_text(self, encoding: Encoding, text: str, start: int, end: int) -> None:
        """Append the tokens of ``text[start:end]``, a text between masks."""
        for low, high in self._split_written_specials(text, start, end):
            part = text[low:high]
            tokens = self._tokenizer.tokenize(part)
            ids: Any = self._tokenizer.convert_tokens_to_ids(tokens)
            unknown = self._tokenizer.unk_token
            written = [None if token == unknown else self.marks.strip(token) for token in tokens]
            for id, token, span in zip(ids, tokens, align(written, part), strict=True):
                self._append_token(encoding, text, id, token, (span[0] + low, span[1] + low))

    def _append_token(self, encoding: Encoding, text: str, id: int, token: str, span: Span) -> None:
        number = encoding.words[-1] if encoding.words else None
        if number is None or not self._joins(encoding.tokens[-1], token, text[encoding.offsets[-1][1] : span[0]]):
            number = len(encoding.ids)
        _append(encoding, id, token, span, number)

    def _joins(self, before: str, token: str, between: str) -> bool:
        """Return whether a token belongs to the same word as the one before it."""
        if between:
            return False
        if self.marks.shows_ends:
            return not self.marks.ends_word(before)
        return self.marks.continues_word(token)

    def _split_written_specials(self, text: str, start: int, end: int) -> Iterator[Span]:
        """Cut special tokens written in a text in two, so that they stay text."""
        for match in self._written_special.finditer(text, start, end):
            if start < match.start() + 1:
                yield start, match.start() + 1
            start = match.start() + 1
        if start < end:
            yield start, end

    @cached_property
    def _written_special(self) -> regex.Pattern[str]:
        specials = (self.vocabulary[id] for id in self.special_ids if id < len(self.vocabulary))
        return regex.compile("|".join(map(regex.escape, sorted(filter(None, specials), key=len, reverse=True))))

    @cached_property
    def _around(self) -> tuple[list[int], list[int]]:
        """The special tokens before and after a text."""
        ids = self._tokenizer.build_inputs_with_special_tokens([_CONTENT])
        position = ids.index(_CONTENT)
        return ids[:position], ids[position + 1 :]

    def decode(self, rows: Iterable[Sequence[int]]) -> list[str]:
        """Return the text of each row of ids."""
        convert = self._tokenizer.convert_tokens_to_string
        return [convert([self.vocabulary[id] for id in row]) for row in rows]

    def normalize(self, texts: Sequence[str]) -> list[str]:
        """Return each text as the vocabulary spells it, by the tokenizer's settings."""
        if getattr(self._tokenizer, "do_lowercase_and_remove_accent", False):
            return [_without_accents(text.lower()) for text in texts]
        lowers = any(getattr(self._tokenizer, name, False) for name in ("do_lower_case", "do_lowercase"))
        return [text.lower() for text in texts] if lowers else list(texts)


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(character for character in decomposed if unicodedata.category(character) != "Mn")


def _append(encoding: Encoding, id: int, token: str, span: Span, word: int | None) -> None:
    encoding.ids.append(id)
    encoding.tokens.append(token)
    encoding.offsets.append(span)
    encoding.special.append(word is None)
    encoding.words.append(word)


def _append_specials(encoding: Encoding, vocabulary: Sequence[str], ids: Sequence[int]) -> None:
    for id in ids:
        _append(encoding, id, vocabulary[id], (0, 0), None)
