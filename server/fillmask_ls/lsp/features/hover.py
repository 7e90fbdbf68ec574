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


def hover(ranking: Ranking, focus: int, place: types.Range, *, markdown: bool) -> types.Hover:
    """The best words for the mask number ``focus`` with their probabilities, and how unsure the model is.

    The answer stands in the first line: some editors show no more.
    """
    return types.Hover(contents=contents(ranking, focus, markdown=markdown), range=place)


def contents(ranking: Ranking, number: int, *, markdown: bool) -> types.MarkupContent:
    """What a hover says of a mask, by its number."""
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    return types.MarkupContent(kind, _markdown(ranking, number) if markdown else _plain(ranking, number))


def word(found: Surprise, model: str, place: types.Range, *, markdown: bool, pieces: bool) -> types.Hover:
    """How surprising a word is in its place, and what the model would have said there; and its ``pieces``, if wanted.

    Args:
        model: the name of the one that says so.
    """
    if markdown:
        lines = [f"**{escaped(found.text)}** {escaped(_surprisal(found))}", "", "The model would have said:", ""]
        lines += [*_table(found.expected), ""]
        if pieces:
            lines += [f"Pieces: {', '.join(f'{escaped(token)} {id}' for token, id in found.pieces)}", ""]
        lines.append(f"*Model: {escaped(model)}*")
    else:
        lines = [f"{found.text}: {_surprisal(found)}", "The model would have said:", *_list(found.expected)]
        if pieces:
            lines.append(f"Pieces: {', '.join(f'{token} {id}' for token, id in found.pieces)}")
        lines.append(f"Model: {model}")
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    return types.Hover(contents=types.MarkupContent(kind, "\n".join(lines)), range=place)


def _surprisal(found: Surprise) -> str:
    return f"{found.surprisal:.1f} bits of surprise, probability {percent(exp(found.log_likelihood))}"


def _markdown(ranking: Ranking, focus: int) -> str:
    words = ranking.masks[focus].words
    lines = [f"**{escaped(words[0].text)}** {percent(words[0].probability)}", ""] if words else []
    lines += [*_table(words), "", _uncertainty(ranking, focus), "", f"*{escaped(_where(ranking, focus))}*"]
    return "\n".join(lines)


def _table(words: Sequence[Word]) -> list[str]:
    lines = ["| | word | probability | |", "|--:|:--|--:|:--|"]
    for rank, word in enumerate(words, 1):
        lines.append(f"| {rank} | {escaped(word.text)} | {percent(word.probability)} | {bar(word.probability)} |")
    return lines


def _plain(ranking: Ranking, focus: int) -> str:
    return "\n".join([*_list(ranking.masks[focus].words), _uncertainty(ranking, focus), _where(ranking, focus)])


def _list(words: Sequence[Word]) -> list[str]:
    width = max((len(word.text) for word in words), default=0)
    return [f"{word.text:<{width}} {percent(word.probability):>7} {bar(word.probability)}".rstrip() for word in words]


def _uncertainty(ranking: Ranking, focus: int) -> str:
    prediction = ranking.masks[focus]
    count = max(1, round(prediction.effective_words))
    return f"Entropy {prediction.entropy:.1f} bits: as unsure as between {count:,} {'word' if count == 1 else 'words'}."


def _where(ranking: Ranking, focus: int) -> str:
    count = len(ranking.masks)
    return f"Mask {focus + 1} of {count} in this passage. Model: {ranking.model}"
