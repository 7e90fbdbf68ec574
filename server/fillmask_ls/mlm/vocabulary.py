"""The vocabulary as words: which tokens can stand where in a text, and how they are written there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import regex
import torch
from torch import Tensor

from fillmask_ls import english
from fillmask_ls.words import apply_case, has_letter, is_han, is_part_of_word, is_written_without_spaces

from .tokenization import Tokenizer

_REPLACEMENT_CHARACTER = "\ufffd"
"""A byte-level token decodes to this if it contains only some bytes of a character."""

_RESERVED = regex.compile(r"\[[^\s\[\]]+\]|<[^\s<>]+>")
"""How vocabularies spell tokens that no text contains: ``[unused1]``, ``<null_1>``."""

_LAST_CHARACTER = "\U0010ffff"

_MAX_SEQUENCE_LETTERS = 30
"""Vocabularies of proteins have 25 letters and those of genes 4; one of prose has capitals and small letters."""

_WORDS_AT_ONCE = 2_000
"""Listed words that are tokenized in one text: tokenizers written in Python take more than linear time."""

_MIN_LETTERS = 4
_MIN_SAMPLE = 200
"""The minimum number of words of at least ``_MIN_LETTERS`` letters that show the language of a vocabulary."""

_WordPosition = tuple[bool, bool]
"""Whether a token continues a word, and whether the word ends with it."""


class Vocabulary:
    """The tokens of a tokenizer that are words or continuations of words.

    Attributes:
        texts: the text of every token id, without marks.
        is_uncased: whether it has no capitals.
        is_of_prose: False if the vocabulary is one of sequences, such as proteins, that have no spaces or full stops.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.texts = tokenizer.texts()
        self._splits_at_han = not self._is_one_word("a\u4e2d")
        ids_of = self._ids_by_word_position()
        if not tokenizer.marks.shows_ends:
            ids_of |= {(continues, False): ids_of[continues, True] for continues in (False, True)}
        self._ids_of = ids_of
        self._allowed = {word_position: self._mask(ids) for word_position, ids in ids_of.items()}
        self._sorted: dict[_WordPosition, list[tuple[str, int]]] = {}
        self.is_of_prose = not tokenizer.marks.each_token_is_a_word or self._count_letters() > _MAX_SEQUENCE_LETTERS
        self.is_uncased = tokenizer.normalize("A") == "a"
        self._starts_without_space = self._starts_text_without_space()

    @cached_property
    def _words(self) -> frozenset[str]:
        """The normalized words of one token."""
        return frozenset(text for text, _ in self._entries((False, True)))

    @cached_property
    def is_english(self) -> bool:
        """Whether most of its words are English."""
        words = {self.texts[id].lower() for id in self._ids_of[False, True]}
        sample = [word for word in words if len(word) >= _MIN_LETTERS and word.isascii() and word.isalpha()]
        return len(sample) >= _MIN_SAMPLE and sum(map(english.is_listed, sample)) > len(sample) / 2

    @property
    def has_listed_words(self) -> bool:
        """Whether :meth:`listed_words` are known: the words of the vocabulary are mostly English ones."""
        return self.is_english and not self._tokenizer.marks.each_token_is_a_word

    def listed_words(self, prefix: str = "") -> Tensor:
        """Return the listed English words of two subwords that begin with the normalized ``prefix``.

        Returns:
            The ids of their subwords, int [words, 2].
        """
        ids = self._listed_words
        return ids[[word.startswith(prefix) for word in self._listed_spellings]] if prefix else ids

    @cached_property
    def _listed_words(self) -> Tensor:
        """The ids of the listed words of two subwords, int [words, 2]."""
        listed = english.listed_words() if self.has_listed_words else ()
        words = {word for word in listed if word.isalpha()}
        if self.is_uncased:
            words = {word.lower() for word in words}
        else:
            words |= {word.capitalize() for word in words}
        spelled = sorted(words.difference(self.texts))
        rows: list[tuple[int, ...]] = []
        for start in range(0, len(spelled), _WORDS_AT_ONCE):
            # After another word: some tokenizers read the first word of a text otherwise.
            text = " ".join(["a", *spelled[start : start + _WORDS_AT_ONCE]])
            rows += self.words_of_several_subwords(self._tokenizer.encode(text, ()).ids)
        return torch.tensor([ids for ids in rows if len(ids) == 2], dtype=torch.long).view(-1, 2)

    @cached_property
    def _listed_spellings(self) -> list[str]:
        """The listed words of two subwords, normalized."""
        words = [self.word(ids) for ids in self._listed_words.tolist()]
        return [word.casefold() for word in self._tokenizer.normalize_all(words)]

    def _ids_of_words(self) -> Iterator[int]:
        special_ids = self._tokenizer.special_ids
        for id, (token, text) in enumerate(zip(self._tokenizer.vocabulary, self.texts, strict=True)):
            if id in special_ids or _RESERVED.fullmatch(token) or _REPLACEMENT_CHARACTER in text:
                continue
            if has_letter(text):
                yield id

    def _ids_by_word_position(self) -> dict[_WordPosition, list[int]]:
        """Return which tokens can stand where."""
        marks, added_ids = self._tokenizer.marks, self._tokenizer.added_ids
        shows_ends = marks.shows_ends
        ids_of: dict[_WordPosition, list[int]] = {
            (continues, is_last): [] for continues in (False, True) for is_last in (False, True)
        }
        for id in self._ids_of_words():
            token, text = self._tokenizer.vocabulary[id], self.texts[id]
            begins, continues = marks.begins_word(token), marks.continues_word(token)
            if id in added_ids:
                begins = continues = True
            elif marks.word_start_prefix:  # a space that such a script doesn't write is a token by itself
                begins = begins or is_written_without_spaces(text[0])
            elif begins and len(text) == 1 and self._splits_at_han and is_han(text):
                continues = True
            is_last = not shows_ends or marks.ends_word(token)
            if begins:
                ids_of[False, is_last].append(id)
            if continues:
                ids_of[True, is_last].append(id)
        return ids_of

    def _count_letters(self) -> int:
        return len({letter for word in self._words for letter in word})

    def _starts_text_without_space(self) -> bool:
        """Return whether the first token of a text has no mark; SentencePiece mostly puts a space before a text."""
        space = self._tokenizer.marks.word_start_prefix
        marked = (id for id in self._ids_of[False, True] if self._tokenizer.vocabulary[id].startswith(space))
        sample = next(marked, None)
        if not space or sample is None:
            return False
        encoding = self._tokenizer.encode(self.texts[sample], ())
        content = encoding.content(self._tokenizer.mask_id)
        return bool(content) and not encoding.tokens[content[0]].startswith(space)

    def _is_one_word(self, text: str) -> bool:
        """Return whether the tokenizer reads ``text`` as one word."""
        words = self._tokenizer.encode(text, ()).words
        return len({number for number in words if number is not None}) == 1

    def is_continuation(self, before: str) -> bool:
        """Return whether a token right after the text ``before`` is spelled as the continuation of a word."""
        last = before[-1:]
        if self._tokenizer.marks.each_token_is_a_word:
            return False
        if self._tokenizer.marks.word_start_prefix:
            return not last.isspace() if last else self._starts_without_space
        # After a Chinese character, which BERT separates, a new word begins.
        return is_part_of_word(last) and self._is_one_word(last + "a")

    def continues_word(self, before: str) -> bool:
        """Return whether letters right after the text ``before`` belong to its last word."""
        last = before[-1:]
        return is_part_of_word(last) and not is_written_without_spaces(last) and self.is_continuation(before)

    def fitting_tokens(
        self, *, is_continuation: bool, is_last: bool = True, prefix: str = "", whole_prefix: bool = True
    ) -> Tensor:
        """Return which tokens are words, or continuations of words.

        Args:
            is_continuation: whether the token continues a word.
            is_last: whether the word ends with the token.
            prefix: what the word begins with, :meth:`normalized`. If no continuation has it, words that do fit.
            whole_prefix: whether the token contains the whole prefix; otherwise also tokens that begin it.

        Returns:
            A bool tensor [vocabulary].
        """
        word_position = is_continuation, is_last
        if not prefix:
            return self._allowed[word_position]
        entries = self._entries(word_position)
        low, high = bisect_left(entries, (prefix,)), bisect_left(entries, (prefix + _LAST_CHARACTER,))
        ids = [id for _, id in entries[low:high]]
        if not whole_prefix:
            for end in range(1, len(prefix)):
                ids += self._tokens_spelled(prefix[:end], word_position)
        if is_continuation and not ids:
            return self.fitting_tokens(is_continuation=False, is_last=is_last, prefix=prefix, whole_prefix=whole_prefix)
        return self._mask(ids)

    def _tokens_spelled(self, text: str, word_position: _WordPosition) -> Iterator[int]:
        """Yield the tokens that are written as the normalized ``text``."""
        entries = self._entries(word_position)
        index = bisect_left(entries, (text,))
        while index < len(entries) and entries[index][0] == text:
            yield entries[index][1]
            index += 1

    def normalized(self, text: str) -> str:
        """Return ``text`` as the model spells it, in lower case."""
        return self._tokenizer.normalize(text).casefold()

    def tokens_of(self, words: Iterable[str], *, is_continuation: bool) -> list[int]:
        """Return the tokens that are any of the words, in any case."""
        word_position = is_continuation, True
        return [id for word in words for id in self._tokens_spelled(self.normalized(word), word_position)]

    def is_token(self, word: str) -> bool:
        """Return whether one token is this word, in any case."""
        return self.normalized(word) in self._words

    def continuation_subwords(self, text: str) -> tuple[int, ...]:
        """Return subwords that continue a word with ``text``, the longest first; empty if there are none."""
        rest = self.normalized(text)
        ids: list[int] = []
        while rest:
            for end in range(len(rest), 0, -1):
                id = next(self._tokens_spelled(rest[:end], (True, end == len(rest))), None)
                if id is not None:
                    ids.append(id)
                    rest = rest[end:]
                    break
            else:
                return ()
        return tuple(ids)

    def word(self, ids: Sequence[int]) -> str:
        """Return the word that subwords spell."""
        if (
            len(ids) > 1 and self._tokenizer.marks.word_start_prefix
        ):  # the tokens of a character can be only parts of it
            return self._tokenizer.decode(ids)
        return "".join(self.texts[id] for id in ids)  # without the spaces that decoders put between characters

    def words_of_several_subwords(self, ids: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the words of several subwords in a row of tokens, each once."""
        begins = (self._allowed[False, True] | self._allowed[False, False])[list(ids)].tolist()
        continues = self._surely_continues(ids)
        words: dict[tuple[int, ...], None] = {}
        end = 0
        for start in range(len(ids)):
            if start >= end and begins[start]:
                end = start + 1
                while end < len(ids) and continues[end]:
                    end += 1
                if end > start + 1:
                    words[tuple(ids[start:end])] = None
        return list(words)

    def _surely_continues(self, ids: Sequence[int]) -> list[bool]:
        """Return whether each token is surely of the same word as the token before it."""
        if not self._tokenizer.marks.shows_ends:
            return (self._allowed[True, True] & ~self._allowed[False, True])[list(ids)].tolist()
        can_continue = (self._allowed[True, True] | self._allowed[True, False])[list(ids)].tolist()
        ends = [True, *(self._tokenizer.marks.ends_word(self._tokenizer.vocabulary[id]) for id in ids)]
        return [can and not ended for can, ended in zip(can_continue, ends, strict=False)]

    def apply_case(self, word: str, *, capital: bool = False, prefix: str = "") -> str:
        """Return a word in the case its place needs; see :func:`fillmask_ls.words.apply_case`.

        A name keeps its capitals after letters that were typed in lower case.
        """
        if prefix.islower() and not word.islower():
            return word
        return apply_case(word, capital=capital, prefix=prefix, begun=len(self._tokenizer.normalize(prefix)))

    def _entries(self, word_position: _WordPosition) -> list[tuple[str, int]]:
        """Return the normalized texts that fit a word position and their ids, sorted so that a prefix is found quickly."""
        if not self._tokenizer.marks.shows_ends:
            word_position = word_position[0], True  # the same tokens
        if word_position not in self._sorted:
            ids = self._ids_of[word_position]
            words = self._tokenizer.normalize_all([self.texts[id] for id in ids])
            self._sorted[word_position] = sorted((word.casefold(), id) for word, id in zip(words, ids, strict=True))
        return self._sorted[word_position]

    def _mask(self, ids: Sequence[int]) -> Tensor:
        mask = torch.zeros(len(self.texts), dtype=torch.bool)
        mask[list(ids)] = True
        return mask
