"""The vocabulary as words: which tokens can stand where in a text, and how they are written there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from fillmask_ls.words import apply_case, has_letter, is_part_of_word

from .tokenization import Tokenizer

_REPLACEMENT_CHARACTER = "\ufffd"
"""A byte-level token decodes to this if it contains only some bytes of a character."""

_SPACE_MARKS = ("Ġ", "▁")
"""Byte-level BPE and SentencePiece mark tokens that begin a word; WordPiece marks the others, with ``##``."""

_LAST_CHARACTER = "\U0010ffff"


class Vocabulary:
    """The tokens of a tokenizer that are words or continuations of words.

    Attributes:
        texts: the text of every token id, without marks.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._space_mark = _find_space_mark(tokenizer.vocabulary)
        self.texts = tokenizer.texts()
        tokens_of: dict[bool, list[int]] = {False: [], True: []}
        for id in self._ids_of_words():
            token = tokenizer.vocabulary[id]
            begins_word = token.startswith(self._space_mark) if self._space_mark else not token.startswith("##")
            tokens_of[not begins_word].append(id)
        # By whether they continue a word: as a mask over the vocabulary, and sorted by their letters for prefixes.
        self._allowed = {continues: self._mask(ids) for continues, ids in tokens_of.items()}
        self._sorted = {
            continues: sorted((self.normalized(self.texts[id]), id) for id in ids)
            for continues, ids in tokens_of.items()
        }
        self._words = frozenset(text for text, _ in self._sorted[False])

    def _ids_of_words(self) -> Iterator[int]:
        special_ids = self._tokenizer.special_ids
        for id, (token, text) in enumerate(zip(self._tokenizer.vocabulary, self.texts, strict=True)):
            if id in special_ids or token.startswith("[unused") or _REPLACEMENT_CHARACTER in text:
                continue
            if has_letter(text):
                yield id

    def is_continuation(self, before: str) -> bool:
        """Return whether a token right after the text ``before`` continues its last word."""
        last = before[-1:]
        if not self._space_mark:  # after a Chinese character, which BERT separates, a new word begins
            word_numbers = self._tokenizer.encode(last + "a").words[1:-1]
            return is_part_of_word(last) and len(set(word_numbers)) == 1
        if not last:  # SentencePiece mostly puts a space before a text
            return not self._tokenizer.encode("a").tokens[1].startswith(self._space_mark)
        return not last.isspace()

    def fitting_tokens(self, *, is_continuation: bool, prefix: str = "", whole_prefix: bool = True) -> Tensor:
        """Return which tokens are words, or continuations of words.

        Args:
            is_continuation: whether the token continues a word.
            prefix: what the word begins with, :meth:`normalized`. If no continuation has it, words that do fit.
            whole_prefix: whether the token contains the whole prefix; otherwise also tokens that begin it.

        Returns:
            A bool tensor [vocabulary].
        """
        if not prefix:
            return self._allowed[is_continuation]
        entries = self._sorted[is_continuation]
        low, high = bisect_left(entries, (prefix,)), bisect_left(entries, (prefix + _LAST_CHARACTER,))
        ids = [id for _, id in entries[low:high]]
        if not whole_prefix:
            for end in range(1, len(prefix)):
                ids += self._tokens_spelled(prefix[:end], is_continuation)
        if is_continuation and not ids:
            return self.fitting_tokens(is_continuation=False, prefix=prefix, whole_prefix=whole_prefix)
        return self._mask(ids)

    def _tokens_spelled(self, text: str, is_continuation: bool) -> Iterator[int]:
        """Yield the tokens that are written as the normalized ``text``."""
        entries = self._sorted[is_continuation]
        index = bisect_left(entries, (text,))
        while index < len(entries) and entries[index][0] == text:
            yield entries[index][1]
            index += 1

    def normalized(self, text: str) -> str:
        """Return ``text`` as the model spells it, in lower case."""
        return self._tokenizer.normalize(text).casefold()

    def is_token(self, word: str) -> bool:
        """Return whether one token is this word, in any case."""
        return self.normalized(word) in self._words

    def continuation_subwords(self, text: str) -> tuple[int, ...]:
        """Return subwords that continue a word with ``text``, the longest first; empty if there are none."""
        rest = self.normalized(text)
        ids: list[int] = []
        while rest:
            for end in range(len(rest), 0, -1):
                id = next(self._tokens_spelled(rest[:end], True), None)
                if id is not None:
                    ids.append(id)
                    rest = rest[end:]
                    break
            else:
                return ()
        return tuple(ids)

    def word(self, ids: Sequence[int]) -> str:
        """Return the word that subwords spell."""
        return self.texts[ids[0]] if len(ids) == 1 else self._tokenizer.decode(ids)

    def words_of_several_subwords(self, ids: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the words of several subwords in a row of tokens, each once."""
        begins, continues = self._allowed[False], self._allowed[True]
        words: dict[tuple[int, ...], None] = {}
        end = 0
        for start in range(len(ids)):
            if start >= end and begins[ids[start]]:
                end = start + 1
                while end < len(ids) and continues[ids[end]]:
                    end += 1
                if end > start + 1:
                    words[tuple(ids[start:end])] = None
        return list(words)

    def apply_case(self, ids: Sequence[int], *, capital: bool = False, prefix: str = "") -> str:
        """Return the word of these subwords in the case its place needs; see :func:`fillmask_ls.words.apply_case`."""
        begun = len(self._tokenizer.normalize(prefix))
        return apply_case(self.word(ids), capital=capital, prefix=prefix, begun=begun)

    def _mask(self, ids: list[int]) -> Tensor:
        mask = torch.zeros(len(self.texts), dtype=torch.bool)
        mask[ids] = True
        return mask


def _find_space_mark(tokens: Sequence[str]) -> str | None:
    """Return the mark that at least one token in twenty begins with."""
    for mark in _SPACE_MARKS:
        if sum(token.startswith(mark) for token in tokens) > len(tokens) // 20:
            return mark
    return None
