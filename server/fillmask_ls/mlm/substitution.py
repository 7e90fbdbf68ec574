"""Other words for a word that stands in a text."""

from __future__ import annotations

import torch
from torch.nn.functional import cosine_similarity

from fillmask_ls import MASK
from fillmask_ls.spans import Span
from fillmask_ls.words import starts_sentence

from .forward_steps import ForwardStep, ForwardSteps, run_steps
from .model import MaskedLM
from .results import Candidate
from .windows import Window, contexts, pieces_at, windows

# How many of WordNet's synonyms, in the word's own form, are among ten: of 200 words of validation text 0.55 where the
# word is masked, 1.03 with the word in view in a first copy (1.05 with Zhou et al.'s dropout, 2019), 1.39 with the
# similarity besides. The copy needs little context.
_LIKENESS = 10.0
_CONTEXT = 30


def substitutes(model: MaskedLM, text: str, span: Span, *, top_k: int = 10) -> list[Candidate]:
    """The words that could stand in the place of the one at ``span`` and say about the same, the best first.

    The model reads the passage twice in a row: as it is, then with the word masked. What it expects there is weighed
    with the likeness of the words' embeddings. The word itself and other forms of it (``walks`` for ``walked``) are
    left out.

    Args:
        span: the characters of the word, or of the words.
        top_k: 1 or more.

    Returns:
        ``top_k`` words of one piece of the model's vocabulary; their probabilities are among all that are left.

    Raises:
        ValueError: there is nothing at ``span``, it is too long for the model, or ``top_k`` is below 1.
    """
    return run_steps(model, substitutes_steps(model, text, span, top_k=top_k))


def substitutes_steps(model: MaskedLM, text: str, span: Span, *, top_k: int) -> ForwardSteps[list[Candidate]]:
    """As :func:`replacements`."""
    start, end = span
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")
    if not (0 <= start < end <= len(text) and text[start:end].strip()):
        raise ValueError(f"there is no word at {start} to {end}")
    place = (start, start + len(MASK))
    window = next(iter(windows(model, text[:start] + MASK + text[end:], [place])))
    return (yield from _replacing(model, window, text[start:end], top_k))


def _replacing(model: MaskedLM, window: Window, word: str, top_k: int) -> ForwardSteps[list[Candidate]]:
    vocabulary, tokenizer = model.vocabulary, model.tokenizer
    reading = contexts(model, window)[0]
    pieces = pieces_at(model, window, 0, word)
    first, last = tokenizer.added_around(reading.ids)
    room = tokenizer.max_length - len(first) - len(last) - len(pieces) - 1
    if room < 0:
        raise ValueError(f"a word of {len(pieces)} tokens is too long for the model")
    context, at = min(_CONTEXT, room // 4), reading.masks[0]
    before = reading.ids[max(len(first), at - context) : at]
    after = reading.ids[at + 1 : len(reading.ids) - len(last)][:context]
    row = [*first, *before, *pieces, *after, *before, tokenizer.mask_id, *after, *last]
    logits = yield ForwardStep([row], [[len(row) - len(last) - len(after) - 1]])

    left = window.text[: window.masks[0][0]]
    fits = vocabulary.fitting(is_continuation=vocabulary.is_continuation(left)).clone()
    fits[list(pieces)] = False
    embeddings = model.embeddings[: len(fits)].float().cpu()
    likeness = cosine_similarity(embeddings, embeddings[list(pieces)].mean(0, keepdim=True)) if pieces else 0
    scores = model.log_probabilities(logits[0])[: len(fits)] + _LIKENESS * likeness
    probabilities = scores.masked_fill(~fits, -torch.inf).softmax(-1)
    original = vocabulary.normalized(word)
    capital = starts_sentence(left) or word[:1].isupper()
    found = []
    for probability, id in zip(
        *(each.tolist() for each in probabilities.topk(min(5 * top_k, int(fits.sum())))), strict=True
    ):
        if not _akin(vocabulary.normalized(vocabulary.texts[id]), original):
            typed = vocabulary.apply_case((id,), capital=capital)
            found.append(Candidate(typed.upper() if len(word) > 1 and word.isupper() else typed, probability))
    return found[:top_k]


def _akin(one: str, other: str) -> bool:
    """Whether two words look like forms of one: they differ in an ending of up to three letters."""
    stem = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    shorter, longer = sorted((len(one) - stem, len(other) - stem))
    return longer == 0 or (longer <= 3 and (stem > 3 or (stem == 3 and shorter == 0)))
