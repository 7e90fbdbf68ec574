"""The marks by which the tokens of a vocabulary show where words begin and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SPACES = ("Ġ", "▁", " ")
"""How byte-level BPE, SentencePiece and plain BPE spell the space before a word."""

_END_OF_WORD = "</w>"
_CONTINUATION = "@@"


@dataclass(frozen=True, slots=True)
class WordMarks:
    """The marks of a vocabulary, each an empty string if the vocabulary has none of its kind.

    Attributes:
        word_start_prefix: begins the first subword of a word: ``Ġ`` in ``Ġplay ing``.
        continuing_subword_prefix: begins every other subword: ``##`` in ``play ##ing``.
        end_of_word_suffix: ends the last subword: ``</w>`` in ``play ing</w>``.
        continuation_suffix: ends every other subword: ``@@`` in ``play@@ ing``.
        each_token_is_a_word: whether there are no marks and no token for a space, as in a vocabulary of words, or of
            the letters of proteins.
    """

    word_start_prefix: str = ""
    continuing_subword_prefix: str = ""
    end_of_word_suffix: str = ""
    continuation_suffix: str = ""
    each_token_is_a_word: bool = False

    @property
    def shows_ends(self) -> bool:
        """Whether tokens show that a word ends, instead of where it begins."""
        return bool(self.end_of_word_suffix or self.continuation_suffix)

    def begins_word(self, token: str) -> bool:
        """Return whether a token can be the first of a word."""
        if self.word_start_prefix:
            return token.startswith(self.word_start_prefix)
        return not (self.continuing_subword_prefix and token.startswith(self.continuing_subword_prefix))

    def continues_word(self, token: str) -> bool:
        """Return whether a token can follow another of its word."""
        if self.word_start_prefix:
            return not token.startswith(self.word_start_prefix)
        if self.continuing_subword_prefix:
            return token.startswith(self.continuing_subword_prefix)
        return not self.each_token_is_a_word

    def ends_word(self, token: str) -> bool:
        """Return whether a token can be the last of a word."""
        if self.end_of_word_suffix:
            return token.endswith(self.end_of_word_suffix)
        return not (self.continuation_suffix and token.endswith(self.continuation_suffix))

    def strip(self, token: str) -> str:
        """Return a token without marks.

        >>> WordMarks(continuing_subword_prefix="##").strip("##ing")
        'ing'
        """
        token = token.removeprefix(self.word_start_prefix).removeprefix(self.continuing_subword_prefix)
        return token.removesuffix(self.end_of_word_suffix).removesuffix(self.continuation_suffix).strip()


def find_marks(
    tokens: Sequence[str], *, continuing_subword_prefix: str = "##", end_of_word_suffix: str = _END_OF_WORD
) -> WordMarks:
    """Find the marks that a vocabulary uses.

    Args:
        tokens: the vocabulary.
        continuing_subword_prefix: what begins a token that continues a word, if any does.
        end_of_word_suffix: what ends the last token of a word, if any token has it.
    """

    lines = "\n".join(["", *tokens, ""])  # counting in one string is ten times as fast as in a list
    few = len(tokens) // 20
    for space in _SPACES:
        if lines.count(f"\n{space}") > few:
            return WordMarks(word_start_prefix=space)
    if continuing_subword_prefix and lines.count(f"\n{continuing_subword_prefix}") > lines.count(
        f"\n{continuing_subword_prefix}\n"
    ):
        return WordMarks(continuing_subword_prefix=continuing_subword_prefix)
    if end_of_word_suffix and lines.count(f"{end_of_word_suffix}\n") > few:
        return WordMarks(end_of_word_suffix=end_of_word_suffix)
    if lines.count(f"{_CONTINUATION}\n") > few:
        return WordMarks(continuation_suffix=_CONTINUATION)
    return WordMarks(each_token_is_a_word=not any(token in _SPACES for token in tokens))
