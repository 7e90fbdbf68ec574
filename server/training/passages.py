"""Cut documents into passages: whole sentences of one document, up to a number of subwords."""

from __future__ import annotations

import random
from collections.abc import Iterator

import regex

from fillmask_ls.mlm.tokenization import Tokenizer

from .documents import Document

_SENTENCE_END = regex.compile(r"""(?<=[.!?]["'”’)\]]*)\s+(?=["'“‘(\[]*[\p{Lu}\d])""")
_WORD_END = regex.compile(r"(?<=\p{L})(?!['’]?\w)")


def passages(
    document: Document,
    tokenizer: Tokenizer,
    length: int = 128,
    *,
    short: float = 0.0,
    chance: random.Random | None = None,
) -> Iterator[str]:
    """Yield consecutive passages of as many whole sentences as fit; a sentence that is too long is cut.

    Args:
        length: maximum tokens of a passage, special tokens included; at least 8.
        short: the share of passages (0 to 1) with only one or two sentences, as people type them.
        chance: the source of randomness.
    """
    chance = chance or random.Random(0)  # noqa: S311
    room = length - tokenizer.added_tokens
    passage: list[str] = []
    size = 0
    limit: float = 0
    for sentence, subwords in _sized(document, tokenizer, length):
        if passage and (len(passage) >= limit or size + subwords > room):
            yield " ".join(passage)
            passage, size = [], 0
        if not passage:
            limit = chance.choice((1, 2)) if chance.random() < short else float("inf")
        passage.append(sentence)
        size += subwords
    if passage:
        yield " ".join(passage)


def sentences(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph."""
    return _SENTENCE_END.split(paragraph)


def break_off(text: str, chance: random.Random) -> str:
    """Return the start of a text, up to the end of a random word after the second."""
    ends = [match.start() for match in _WORD_END.finditer(text)][2:]
    return text[: chance.choice(ends)] if ends else text


def _sized(document: Document, tokenizer: Tokenizer, length: int) -> Iterator[tuple[str, int]]:
    """Yield each sentence with its number of subwords; a sentence that is too long in several parts."""
    for paragraph in document:
        for sentence in sentences(paragraph):
            subwords = len(tokenizer.encode(sentence).ids) - tokenizer.added_tokens
            if subwords <= length - tokenizer.added_tokens:
                yield sentence, subwords
            else:
                for start, end in tokenizer.windows(sentence, length):
                    part = sentence[start:end].strip()
                    yield part, len(tokenizer.encode(part).ids) - tokenizer.added_tokens
