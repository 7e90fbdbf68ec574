"""``textDocument/hover``: the prediction at a mask, or how surprising a word is."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from lsprotocol import types

from fillmask_ls import english
from fillmask_ls.documents import masks, word_spans
from fillmask_ls.documents.masks import Focus
from fillmask_ls.engine.api import Candidate, Prediction, SurprisalQuestion, WordSurprisal
from fillmask_ls.presentation.markdown import escape_markdown
from fillmask_ls.presentation.percent import bar, percent
from fillmask_ls.presentation.wording import model_in_words, surprisal_in_words, uncertainty_in_words
from fillmask_ls.spans import Span

from ..predictions import MaskAnswer, predict_mask, predict_passage
from ..session import Session
from ..snapshot import Snapshot

_ENGLISH_MODELS = {f"bert-{size}-{case}" for size in ("base", "large") for case in ("cased", "uncased")}
_ENGLISH_MODEL = "This model reads English. For another language, choose a model of that language (fillmask.model)."
_NUMBERS_WIDTH = 19
"""The width of a probability and the longest bar, each after a space."""


async def hover(session: Session, snapshot: Snapshot, params: types.HoverParams) -> types.Hover | None:
    """Return the prediction at a mask, or how surprising a word is; None elsewhere."""
    index = snapshot.index(params.position)
    mask = masks.mask_at(snapshot.document, index)
    if mask is not None:
        return await _hover_mask(session, snapshot, mask)
    word = word_spans.word_at(snapshot.document, index)
    if word is not None and snapshot.settings.hover_words:
        return await _hover_word(session, snapshot, word)
    return None


async def _hover_mask(session: Session, snapshot: Snapshot, mask: Focus) -> types.Hover:
    answer = await predict_mask(session, snapshot, mask)
    notes = []
    if _is_for_english(answer.model) and not english.is_english(answer.passage.text):
        notes = [_ENGLISH_MODEL] if session.claim_notice(snapshot.document.uri) else []
    return types.Hover(render_prediction(answer, snapshot, notes), snapshot.range((mask.start, mask.end)))


async def _hover_word(session: Session, snapshot: Snapshot, word: Span) -> types.Hover | None:
    passage = await snapshot.word_passage(word)
    if passage is None:
        return None
    masked = await snapshot.prose_passage(passage.document_span)
    surprisals = await session.engine.word_surprisals(SurprisalQuestion(passage.text, 0, (passage.span,)))
    if not surprisals or masked is None:
        return None
    expected = await predict_passage(session, snapshot, masked)
    contents = render_surprisal(
        surprisals[0],
        expected.candidates[: snapshot.settings.hover_top_k],
        str(session.engine.model_for(SurprisalQuestion)),
        markdown=snapshot.capabilities.hover_markdown,
        subwords=snapshot.settings.hover_subwords,
    )
    return types.Hover(contents, snapshot.range(passage.document_span))


def render_prediction(answer: MaskAnswer, snapshot: Snapshot, notes: Sequence[str] = ()) -> types.MarkupContent:
    """Render the candidates at a mask with their probabilities, and how uncertain the model is.

    The best word is in the first line: some editors show no more.

    Args:
        notes: sentences about the answer.
    """
    candidates, subwords = answer.candidates[: snapshot.settings.hover_top_k], snapshot.settings.hover_subwords
    uncertainty = _uncertainty(answer.prediction)
    passage = answer.passage
    number = f"Blank {passage.focus + 1} of {len(passage.masks)}. " if len(passage.masks) > 1 else ""
    source = f"{number}Model: {model_in_words(answer.model)}"
    if not snapshot.capabilities.hover_markdown:
        return _plain([*_columns(candidates, subwords=subwords), *uncertainty, *notes, source])
    best = [f"**{escape_markdown(candidate.text)}** {percent(candidate.probability)}" for candidate in candidates[:1]]
    table = "\n".join(_table(candidates, subwords=subwords))
    return _markdown([*best, table, *uncertainty, *map(escape_markdown, notes), f"*{escape_markdown(source)}*"])


def render_surprisal(
    word: WordSurprisal, expected: Sequence[Candidate], model: str, *, markdown: bool, subwords: bool = False
) -> types.MarkupContent:
    """Render how surprising a word is, and what the model named ``model`` expects in its place.

    Args:
        subwords: whether to show the subwords of each word.
    """
    surprisal = f"{surprisal_in_words(word.surprisal)}, probability {percent(exp(word.log_likelihood))}"
    own_subwords = [f"Subwords: {_subwords(word)}"] if subwords else []
    if not markdown:
        rows = ["Expected here:", *_columns(expected, subwords=subwords)]
        return _plain([f"{word.text}: {surprisal}", *rows, *own_subwords, f"Model: {model_in_words(model)}"])
    return _markdown(
        [
            f"**{escape_markdown(word.text)}** {surprisal}",
            "Expected here:",
            "\n".join(_table(expected, subwords=subwords)),
            *map(escape_markdown, own_subwords),
            f"*Model: {escape_markdown(model_in_words(model))}*",
        ]
    )


def _is_for_english(model: str) -> bool:
    """Return whether a model is known to be one of English."""
    return model == "embedded" or model.removeprefix("google-bert/") in _ENGLISH_MODELS


def _uncertainty(prediction: Prediction) -> list[str]:
    """Return a line about the entropy, or none where a remote engine does not report it."""
    if prediction.effective_words is None:
        return []
    return [f"{uncertainty_in_words(prediction.effective_words)}."]


def _table(candidates: Sequence[Candidate], *, subwords: bool) -> list[str]:
    lines = ["| | word | probability | |", "|--:|:--|--:|:--|"]
    for rank, word in enumerate(candidates, 1):
        lines.append(
            f"| {rank} | {escape_markdown(word.text)} | {percent(word.probability)} | {bar(word.probability)} |"
        )
    if subwords:
        cells = ["subwords", ":--", *(escape_markdown(_subwords(word)) for word in candidates)]
        lines = [f"{line} {cell} |" for line, cell in zip(lines, cells, strict=True)]
    return lines


def _columns(candidates: Sequence[Candidate], *, subwords: bool) -> list[str]:
    width = max((len(word.text) for word in candidates), default=0)
    lines = [f"{word.text:<{width}} {percent(word.probability):>7} {bar(word.probability)}" for word in candidates]
    if subwords:
        lines = [
            f"{line:<{width + _NUMBERS_WIDTH}} {_subwords(word)}" for line, word in zip(lines, candidates, strict=True)
        ]
    return [line.rstrip() for line in lines]


def _subwords(word: Candidate | WordSurprisal) -> str:
    return ", ".join(f"{token} {id}" for token, id in word.subwords)


def _plain(lines: Sequence[str]) -> types.MarkupContent:
    return types.MarkupContent(types.MarkupKind.PlainText, "\n".join(lines))


def _markdown(blocks: Sequence[str]) -> types.MarkupContent:
    return types.MarkupContent(types.MarkupKind.Markdown, "\n\n".join(blocks))
