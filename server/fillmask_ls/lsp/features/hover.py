"""``textDocument/hover``: what the model expects at the mask under the pointer."""

from __future__ import annotations

from lsprotocol import types

from fillmask_ls.engine.query import Ranking
from fillmask_ls.markdown import escaped
from fillmask_ls.percent import bar, percent


def hover(ranking: Ranking, focus: int, place: types.Range, *, markdown: bool) -> types.Hover:
    """The best words for the mask number ``focus`` with their probabilities, and how unsure the model is.

    The answer stands in the first line: some editors show no more.
    """
    return types.Hover(contents=contents(ranking, focus, markdown=markdown), range=place)


def contents(ranking: Ranking, number: int, *, markdown: bool) -> types.MarkupContent:
    """What a hover says of a mask, by its number."""
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    return types.MarkupContent(kind, _markdown(ranking, number) if markdown else _plain(ranking, number))


def _markdown(ranking: Ranking, focus: int) -> str:
    words = ranking.masks[focus].words
    lines = [f"**{escaped(words[0].text)}** {percent(words[0].probability)}", ""] if words else []
    lines += ["| | word | probability | |", "|--:|:--|--:|:--|"]
    for rank, word in enumerate(words, 1):
        lines.append(f"| {rank} | {escaped(word.text)} | {percent(word.probability)} | {bar(word.probability)} |")
    return "\n".join([*lines, "", _uncertainty(ranking, focus), "", f"*{escaped(_where(ranking, focus))}*"])


def _plain(ranking: Ranking, focus: int) -> str:
    words = ranking.masks[focus].words
    width = max((len(word.text) for word in words), default=0)
    lines = [f"{word.text:<{width}} {percent(word.probability):>7} {bar(word.probability)}".rstrip() for word in words]
    return "\n".join([*lines, _uncertainty(ranking, focus), _where(ranking, focus)])


def _uncertainty(ranking: Ranking, focus: int) -> str:
    prediction = ranking.masks[focus]
    count = max(1, round(prediction.effective_words))
    return f"Entropy {prediction.entropy:.1f} bits: as unsure as between {count:,} {'word' if count == 1 else 'words'}."


def _where(ranking: Ranking, focus: int) -> str:
    count = len(ranking.masks)
    return f"Mask {focus + 1} of {count} in this passage. Model: {ranking.model}"
