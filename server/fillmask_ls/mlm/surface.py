"""A token as it should be typed in its place: which tokens are words, their case and spelling."""

from __future__ import annotations

from bisect import bisect_left

import regex
import torch
from torch import Tensor

from .tokenization import Tokenizer

_SENTENCE_END = regex.compile(r"""[.!?…。！？]["'”’»)\]]*\s*$""")
_ABBREVIATION = regex.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|approx|resp|pp|fig)\.\s*$", regex.IGNORECASE)
_LETTER = regex.compile(r"[\p{L}\p{N}]")


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
            if id in tokenizer.special_ids or token.startswith("[unused") or not _LETTER.search(text):
                continue
            begins = token.startswith(self._space_mark) if self._space_mark else not token.startswith("##")
            (starts if begins else continues).append(id)
        self._starts = self._where(starts)
        self._continues = self._where(continues)
        self._sorted = sorted((self.texts[id].casefold(), id) for id in starts)

    def fits_after(self, before: str) -> Tensor:
        """Which tokens can follow the text ``before``: words, or behind a letter their ends; bool [vocabulary]."""
        last = before[-1:]
        glued = not last.isspace() if self._space_mark else last.isalnum()
        return self._continues if glued else self._starts

    def beginning_with(self, prefix: str) -> Tensor:
        """Which tokens are words that begin with ``prefix``, as the model spells it, in any case; bool [vocabulary]."""
        wanted = self._tokenizer.normalize(prefix).casefold()
        low = bisect_left(self._sorted, (wanted,))
        high = bisect_left(self._sorted, (wanted + "\U0010ffff",))
        return self._where([id for _, id in self._sorted[low:high]])

    def typed(self, id: int, *, capital: bool = False, prefix: str = "") -> str:
        """The token as a person would type it, with a ``capital`` where a sentence begins.

        A prefix that was typed already is kept to the letter: ``El`` and ``elephant`` make ``Elephant``.
        """
        word = self.texts[id]
        if prefix:
            rest = word[len(self._tokenizer.normalize(prefix)) :]
            return prefix + (rest.upper() if len(prefix) > 1 and prefix.isupper() else rest)
        return word[:1].upper() + word[1:] if capital else word

    def _where(self, ids: list[int]) -> Tensor:
        where = torch.zeros(len(self.texts), dtype=torch.bool)
        where[ids] = True
        return where


def starts_sentence(before: str) -> bool:
    """Whether a word behind the text ``before`` begins a sentence: nothing said yet, or a full stop before it."""
    before = before[-200:]
    if not _LETTER.search(before):
        return True
    return bool(_SENTENCE_END.search(before)) and not _ABBREVIATION.search(before)
