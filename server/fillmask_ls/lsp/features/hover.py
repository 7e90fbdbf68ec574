"""``textDocument/hover``: what the model expects at the mask under the pointer, or thinks of the word there."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING

from lsprotocol import types

from fillmask_ls.engine.query import Ranking
from fillmask_ls.markdown import escaped
from fillmask_ls.percent import bar, percent

if TYPE_CHECKING:
    from fillmask_ls.engine.query import Surprise, Word


def hover(ranking: Ranking, focus: int, place: types.Range, *, markdown: bool, pieces: bool) -> types.Hover:
    """The best words for the mask number ``focus`` with their probabilities, and how unsure the model is.

    The answer stands in the first line: some editors show no more. ``pieces`` of the words are shown if wanted.
    """
    return types.Hover(contents=contents(ranking, focus, markdown=markdown, pieces=pieces), range=place)


def contents(ranking: Ranking, number: int, *, markdown: bool, pieces: bool = False) -> types.MarkupContent:
    """What a hover says of a mask, by its number."""
    words = ranking.masks[number].words
    if markdown:
        lines = [f"**{escaped(words[0].text)}** {percent(words[0].probability)}", ""] if words else []
        lines += _table(words, pieces=pieces)
        for line in _uncertainty(ranking, number):
            lines += ["", line]
        lines += ["", f"*{escaped(_where(ranking, number))}*"]
    else:
        lines = [*_list(words, pieces=pieces), *_uncertainty(ranking, number), _where(ranking, number)]
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    return types.MarkupContent(kind, "\n".join(lines))


def word(found: Surprise, model: str, place: types.Range, *, markdown: bool, pieces: bool) -> types.Hover:
    """How surprising a word is in its place, and what the model would have said there; and its ``pieces``, if wanted.

    Args:
        model: the name of the one that says so.
    """
    if markdown:
        lines = [f"**{escaped(found.text)}** {escaped(_surprisal(found))}", "", "The model would have said:", ""]
        lines += [*_table(found.expected, pieces=pieces), ""]
        if pieces:
            lines += [f"Pieces: {escaped(_pieces(found))}", ""]
        lines.append(f"*Model: {escaped(model)}*")
    else:
        lines = [
            f"{found.text}: {_surprisal(found)}",
            "The model would have said:",
            *_list(found.expected, pieces=pieces),
        ]
        if pieces:
            lines.append(f"Pieces: {_pieces(found)}")
        lines.append(f"Model: {model}")
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    return types.Hover(contents=types.MarkupContent(kind, "\n".join(lines)), range=place)


def _surprisal(found: Surprise) -> str:
    return f"{found.surprisal:.1f} bits of surprise, probability {percent(exp(found.log_likelihood))}"


def _table(words: Sequence[Word], *, pieces: bool) -> list[str]:
    lines = ["| | word | probability | |", "|--:|:--|--:|:--|"]
    for rank, word in enumerate(words, 1):
        lines.append(f"| {rank} | {escaped(word.text)} | {percent(word.probability)} | {bar(word.probability)} |")
    if pieces:
        cells = ["pieces", ":--", *(escaped(_pieces(word)) for word in words)]
        lines = [f"{line} {cell} |" for line, cell in zip(lines, cells, strict=True)]
    return lines


def _list(words: Sequence[Word], *, pieces: bool) -> list[str]:
    width = max((len(word.text) for word in words), default=0)
    lines = [f"{word.text:<{width}} {percent(word.probability):>7} {bar(word.probability)}" for word in words]
    if pieces:
        lines = [f"{line:<{width + 19}} {_pieces(word)}" for line, word in zip(lines, words, strict=True)]
    return [line.rstrip() for line in lines]


def _pieces(of: Word | Surprise) -> str:
    return ", ".join(f"{token} {id}" for token, id in of.pieces)


def _uncertainty(ranking: Ranking, focus: int) -> list[str]:
    """A line, where the entropy is known."""
    prediction = ranking.masks[focus]
    if prediction.entropy is None or prediction.effective_words is None:
        return []
    count = max(1, round(prediction.effective_words))
    return [
        f"Entropy {prediction.entropy:.1f} bits: as unsure as between {count:,} {'word' if count == 1 else 'words'}."
    ]


def _where(ranking: Ranking, focus: int) -> str:
    count = len(ranking.masks)
    return f"Mask {focus + 1} of {count} in this passage. Model: {ranking.model}"
