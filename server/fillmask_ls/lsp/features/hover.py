"""``textDocument/hover``: what the model expects at the mask under the pointer, or thinks of the word there."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING

from lsprotocol import types

from fillmask_ls.engine.api import Predictions
from fillmask_ls.presentation.markdown import escape_markdown
from fillmask_ls.presentation.percent import bar, percent

if TYPE_CHECKING:
    from fillmask_ls.engine.api import Candidate, WordSurprisal


def hover(ranking: Predictions, focus: int, place: types.Range, *, markdown: bool, subwords: bool) -> types.Hover:
    """The best words for the mask number ``focus`` with their probabilities, and how unsure the model is.

    The answer stands in the first line: some editors show no more. ``subwords`` of the words are shown if wanted.
    """
    return types.Hover(contents=contents(ranking, focus, markdown=markdown, subwords=subwords), range=place)


def contents(ranking: Predictions, number: int, *, markdown: bool, subwords: bool = False) -> types.MarkupContent:
    """What a hover says of a mask, by its number."""
    words = ranking.predictions[number].candidates
    if markdown:
        lines = [f"**{escape_markdown(words[0].text)}** {percent(words[0].probability)}", ""] if words else []
        lines += _table(words, subwords=subwords)
        for line in _uncertainty(ranking, number):
            lines += ["", line]
        lines += ["", f"*{escape_markdown(_where(ranking, number))}*"]
    else:
        lines = [*_list(words, subwords=subwords), *_uncertainty(ranking, number), _where(ranking, number)]
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    return types.MarkupContent(kind, "\n".join(lines))


def word(found: WordSurprisal, model: str, place: types.Range, *, markdown: bool, subwords: bool) -> types.Hover:
    """How surprising a word is in its place, and what the model would have said there; and its ``subwords``, if wanted.

    Args:
        model: the name of the one that says so.
    """
    if markdown:
        lines = [
            f"**{escape_markdown(found.text)}** {escape_markdown(_surprisal(found))}",
            "",
            "The model would have said:",
            "",
        ]
        lines += [*_table(found.expected, subwords=subwords), ""]
        if subwords:
            lines += [f"Pieces: {escape_markdown(_pieces(found))}", ""]
        lines.append(f"*Model: {escape_markdown(model)}*")
    else:
        lines = [
            f"{found.text}: {_surprisal(found)}",
            "The model would have said:",
            *_list(found.expected, subwords=subwords),
        ]
        if subwords:
            lines.append(f"Pieces: {_pieces(found)}")
        lines.append(f"Model: {model}")
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    return types.Hover(contents=types.MarkupContent(kind, "\n".join(lines)), range=place)


def _surprisal(found: WordSurprisal) -> str:
    return f"{found.surprisal:.1f} bits of surprise, probability {percent(exp(found.log_likelihood))}"


def _table(words: Sequence[Candidate], *, subwords: bool) -> list[str]:
    lines = ["| | word | probability | |", "|--:|:--|--:|:--|"]
    for rank, word in enumerate(words, 1):
        lines.append(
            f"| {rank} | {escape_markdown(word.text)} | {percent(word.probability)} | {bar(word.probability)} |"
        )
    if subwords:
        cells = ["pieces", ":--", *(escape_markdown(_pieces(word)) for word in words)]
        lines = [f"{line} {cell} |" for line, cell in zip(lines, cells, strict=True)]
    return lines


def _list(words: Sequence[Candidate], *, subwords: bool) -> list[str]:
    width = max((len(word.text) for word in words), default=0)
    lines = [f"{word.text:<{width}} {percent(word.probability):>7} {bar(word.probability)}" for word in words]
    if subwords:
        lines = [f"{line:<{width + 19}} {_pieces(word)}" for line, word in zip(lines, words, strict=True)]
    return [line.rstrip() for line in lines]


def _pieces(of: Candidate | WordSurprisal) -> str:
    return ", ".join(f"{token} {id}" for token, id in of.subwords)


def _uncertainty(ranking: Predictions, focus: int) -> list[str]:
    """A line, where the entropy is known."""
    prediction = ranking.predictions[focus]
    if prediction.entropy is None or prediction.effective_words is None:
        return []
    count = max(1, round(prediction.effective_words))
    return [
        f"Entropy {prediction.entropy:.1f} bits: as unsure as between {count:,} {'word' if count == 1 else 'words'}."
    ]


def _where(ranking: Predictions, focus: int) -> str:
    count = len(ranking.predictions)
    return f"Mask {focus + 1} of {count} in this passage. Model: {ranking.model}"
