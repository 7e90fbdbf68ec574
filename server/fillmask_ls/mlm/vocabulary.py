"""A token as it should be typed in its place: which tokens are words, their case and spelling."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import torch
from torch import Tensor

from fillmask_ls.words import apply_case, has_letter, is_part_of_word

from .tokenization import Tokenizer

_PART_OF_CHARACTER = "\ufffd"
"""What a byte-level token decodes to where it holds only some of a character's bytes."""


class Vocabulary:
    """What each token of a tokenizer looks like in a text, and which can stand where."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        tokens = tokenizer.vocabulary
        self._space_mark = next(
            (mark for mark in ("Ġ", "▁") if sum(token.startswith(mark) for token in tokens) > len(tokens) // 20), None
        )
        self.texts = tokenizer.texts()
        starts: list[int] = []
        continues: list[int] = []
        for id, (token, text) in enumerate(zip(tokens, self.texts, strict=True)):
            if id in tokenizer.special_ids or token.startswith("[unused") or not has_letter(text):
                continue
            if _PART_OF_CHARACTER in text:
                continue
            begins = token.startswith(self._space_mark) if self._space_mark else not token.startswith("##")
            (starts if begins else continues).append(id)
        self._where = {False: self._mask(starts), True: self._mask(continues)}
        # By their letters, for prefixes: those that begin a word, and those that go on with one.
        self._sorted = {
            is_continuation: sorted((self.normalized(self.texts[id]), id) for id in ids)
            for is_continuation, ids in ((False, starts), (True, continues))
        }
        self._words = frozenset(text for text, _ in self._sorted[False])

    def is_continuation(self, before: str) -> bool:
        """Whether what follows the text ``before`` goes on with its last word: lacks the mark of a word's beginning."""
        last = before[-1:]
        if not self._space_mark:  # a word of its own behind a Chinese character, which BERT sets apart
            word_of = self._tokenizer.encode(last + "a").words[1:-1]
            return is_part_of_word(last) and len(set(word_of)) == 1
        if not last:  # SentencePiece mostly puts a space before a text
            return not self._tokenizer.encode("a").tokens[1].startswith(self._space_mark)
        return not last.isspace()

    def fitting(self, *, is_continuation: bool, prefix: str = "", whole: bool = True) -> Tensor:
        """Which tokens are words, or if ``is_continuation`` pieces that go on with one; bool [vocabulary].

        Args:
            prefix: what they must begin with, :meth:`normalized`; where no piece does, words that do.
            whole: whether they must have all of the prefix; else they may also be the beginning of it.
        """
        if not prefix:
            return self._where[is_continuation]
        known = self._sorted[is_continuation]
        low = bisect_left(known, (prefix,))
        high = bisect_left(known, (prefix + "\U0010ffff",))
        ids = [id for _, id in known[low:high]]
        if not whole:
            for end in range(1, len(prefix)):
                low = bisect_left(known, (prefix[:end],))
                while low < len(known) and known[low][0] == prefix[:end]:
                    ids.append(known[low][1])
                    low += 1
        return (
            self._mask(ids)
            if ids or not is_continuation
            else self.fitting(is_continuation=False, prefix=prefix, whole=whole)
        )

    def normalized(self, text: str) -> str:
        """``text`` as the model spells it, in lower case."""
        return self._tokenizer.normalize(text).casefold()

    def is_word(self, text: str) -> bool:
        """Whether one token is this word, in any case."""
        return self.normalized(text) in self._words

    def continuing(self, text: str) -> tuple[int, ...]:
        """Pieces that go on with a word and make ``text``, the longest first; none where there are no such."""
        known = self._sorted[True]
        found: list[int] = []
        rest = self.normalized(text)
        while rest:
            for end in range(len(rest), 0, -1):
                low = bisect_left(known, (rest[:end],))
                if low < len(known) and known[low][0] == rest[:end]:
                    found.append(known[low][1])
                    rest = rest[end:]
                    break
            else:
                return ()
        return tuple(found)

    def spelled(self, ids: Sequence[int]) -> str:
        """The word that the pieces ``ids`` make."""
        return self.texts[ids[0]] if len(ids) == 1 else self._tokenizer.decode(ids)

    def words_in(self, ids: Sequence[int]) -> list[tuple[int, ...]]:
        """The words of several pieces in a row of tokens, each once."""
        begins, goes_on = self._where[False], self._where[True]
        found: dict[tuple[int, ...], None] = {}
        end = 0
        for start in range(len(ids)):
            if start >= end and begins[ids[start]]:
                end = start + 1
                while end < len(ids) and goes_on[ids[end]]:
                    end += 1
                if end > start + 1:
                    found[tuple(ids[start:end])] = None
        return list(found)

    def apply_case(self, ids: Sequence[int], *, capital: bool = False, prefix: str = "") -> str:
        """The word of these pieces, as :func:`~fillmask_ls.words.apply_case`."""
        begun = len(self._tokenizer.normalize(prefix))
        return apply_case(self.spelled(ids), capital=capital, prefix=prefix, begun=begun)

    def _mask(self, ids: list[int]) -> Tensor:
        where = torch.zeros(len(self.texts), dtype=torch.bool)
        where[ids] = True
        return where
