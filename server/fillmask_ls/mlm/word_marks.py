"""The marks by which the tokens of a vocabulary show where words begin and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SPACES = ("Ġ", "▁", " ")
"""How byte-level BPE, SentencePiece and plain BPE spell the space before a word."""

_END = "</w>"
_JOINT = "@@"


@dataclass(frozen=True, slots=True)
class WordMarks:
    """The marks of a vocabulary, each an empty string if the vocabulary has none of its kind.

    Attributes:
        space: begins the first subword of a word: ``Ġ`` in ``Ġplay ing``.
        joint_before: begins every other subword: ``##`` in ``play ##ing``.
        end: ends the last subword: ``</w>`` in ``play ing</w>``.
        joint_after: ends every other subword: ``@@`` in ``play@@ ing``.
        each_token_is_a_word: whether there are no marks and no token for a space, as in a vocabulary of words, or of
            the letters of proteins.
    """

    space: str = ""
    joint_before: str = ""
    end: str = ""
    joint_after: str = ""
    each_token_is_a_word: bool = False

    @property
    def shows_ends(self) -> bool:
        """Whether tokens show that a word ends, instead of where it begins."""
        return bool(self.end or self.joint_after)

    def begins_word(self, token: str) -> bool:
        """Return whether a token can be the first of a word."""
        if self.space:
            return token.startswith(self.space)
        return not (self.joint_before and token.startswith(self.joint_before))

    def continues_word(self, token: str) -> bool:
        """Return whether a token can follow another of its word."""
        if self.space:
            return not token.startswith(self.space)
        if self.joint_before:
            return token.startswith(self.joint_before)
        return not self.each_token_is_a_word

    def ends_word(self, token: str) -> bool:
        """Return whether a token can be the last of a word."""
        if self.end:
            return token.endswith(self.end)
        return not (self.joint_after and token.endswith(self.joint_after))

    def strip(self, token: str) -> str:
        """Return a token without marks.

        >>> WordMarks(joint_before="##").strip("##ing")
        'ing'
        """
        token = token.removeprefix(self.space).removeprefix(self.joint_before)
        return token.removesuffix(self.end).removesuffix(self.joint_after).strip()


def find_marks(tokens: Sequence[str], *, joint_before: str = "##", end: str = _END) -> WordMarks:
    """Find the marks that a vocabulary uses.

    Args:
        tokens: the vocabulary.
        joint_before: what begins a token that continues a word, if any does.
        end: what ends the last token of a word, if any token has it.
    """

    lines = "\n".join(["", *tokens, ""])  # counting in one string is ten times as fast as in a list
    few = len(tokens) // 20
    for space in _SPACES:
        if lines.count(f"\n{space}") > few:
            return WordMarks(space=space)
    if joint_before and lines.count(f"\n{joint_before}") > lines.count(f"\n{joint_before}\n"):
        return WordMarks(joint_before=joint_before)
    if end and lines.count(f"{end}\n") > few:
        return WordMarks(end=end)
    if lines.count(f"{_JOINT}\n") > few:
        return WordMarks(joint_after=_JOINT)
    return WordMarks(each_token_is_a_word=not any(token in _SPACES for token in tokens))
