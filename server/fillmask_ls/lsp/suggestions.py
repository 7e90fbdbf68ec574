"""Words for a gap between words, or in the place of a word, where no mask is."""

from __future__ import annotations

from dataclasses import replace

from fillmask_ls import english
from fillmask_ls.documents.insertion_points import InsertionPoint
from fillmask_ls.documents.word_spans import is_fixed

from .predictions import MaskAnswer, predict_passage, substitutes_question
from .session import Session
from .snapshot import Snapshot

_SUBSTITUTES_AT_END = 3
"""Number of substitutes among the words that continue a whole word, which the user may still be typing."""
_PROBABLE = 0.1
"""Probability of a longer word above which the user is still typing it: *hos* is listed, but begins *hospital*."""


async def suggest_words(session: Session, snapshot: Snapshot, point: InsertionPoint) -> MaskAnswer | None:
    """Return the words that fit a gap, or that could replace a word; None in code, addresses and formulas.

    - In a gap: the words that fit between the text before and after it.
    - At the end of a word, and within letters that are not a word: the words that begin with the letters before the cursor;
      after a whole word that begins no probable one, also a few substitutes, the most probable words first.
    - On a whole word: its substitutes.
    """
    if point.word and is_fixed(snapshot.document, point.span):
        return None
    passage = await snapshot.prose_passage(point.span)
    if passage is None:
        return None
    top_k = snapshot.settings.completion_top_k
    is_whole = _is_whole(point.word)
    if point.word and not point.is_at_word_end and (is_whole or not point.prefix):
        answer = MaskAnswer.empty(passage, str(session.engine.model_name))
        return answer.extended(await session.engine.substitutes(substitutes_question(passage, point.word, top_k)))
    answer = await predict_passage(session, snapshot, passage, point.prefix)
    words = tuple(word for word in answer.candidates if word.text.casefold() != point.word.casefold())
    answer = replace(answer, prediction=replace(answer.prediction, candidates=words[:top_k]))
    if not is_whole or any(word.probability > _PROBABLE for word in words):
        return answer
    question = substitutes_question(passage, point.word, _SUBSTITUTES_AT_END)
    answer = answer.extended(await session.engine.substitutes(question))
    words = tuple(sorted(answer.candidates, key=lambda word: -word.probability))
    return replace(answer, prediction=replace(answer.prediction, candidates=words))


def _is_whole(word: str) -> bool:
    """Return whether letters are a listed word, a contraction or a possessive, and not the beginning of a longer word."""
    word = word.replace("’", "'")
    return english.is_listed(word) or english.is_listed(word.casefold().removesuffix("'s"))
