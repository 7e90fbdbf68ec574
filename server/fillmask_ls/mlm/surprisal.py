"""How surprised a masked language model is by each word of a text, and what it would have said instead."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fillmask_ls.spans import Span
from fillmask_ls.words import find_words, starts_sentence

from .forward_steps import ForwardStep, ForwardSteps, run_steps
from .model import MaskedLM
from .results import Candidate, WordSurprisal
from .scoring import batches, variants
from .tokenization import Encoding
from .windows import Window, pieces_at, windows


def word_surprisals(
    model: MaskedLM, text: str, *, spans: Sequence[Span] | None = None, top_k: int = 3
) -> list[WordSurprisal]:
    """What the model thinks of each word of a text of any length; a ``[MASK]`` is context, and no word.

    Args:
        spans: only the words that lie in one of these; by default all.
        top_k: how many words it would have said, 0 or more.
    """
    return run_steps(model, word_surprisals_steps(model, text, spans=spans, top_k=top_k))


def word_surprisals_steps(
    model: MaskedLM, text: str, *, spans: Sequence[Span] | None, top_k: int
) -> ForwardSteps[list[WordSurprisal]]:
    """As :func:`surprises`."""
    encoding = model.tokenizer.encode(text)
    spans = [(0, len(text))] if spans is None else spans
    asked_for = [
        (start, end) for start, end in find_words(text) if any(low <= start and end <= high for low, high in spans)
    ]
    tokens = {place: _tokens(model, encoding, place) for place in asked_for}
    first = {inside[0]: place for place, inside in tokens.items() if inside}
    wanted = {token for inside in tokens.values() for token in inside}
    asked = (
        variant
        for variant in variants(model, 0, encoding, text, "within_word_l2r")
        if not wanted.isdisjoint(variant.tokens)
    )
    likelihoods: dict[int, float] = {}
    expected: dict[Span, tuple[Candidate, ...]] = {}
    for batch in batches(asked):
        logits = yield ForwardStep([variant.ids for variant in batch], [variant.asked for variant in batch])
        labels = torch.tensor([label for variant in batch for label in variant.labels])
        found = (logits.gather(-1, labels[:, None]).squeeze(-1) - logits.logsumexp(-1)).tolist()
        for token, likelihood, row in zip(
            (token for variant in batch for token in variant.tokens), found, logits, strict=True
        ):
            likelihoods[token] = min(0.0, likelihood)
            if token in first and top_k:
                expected[first[token]] = _expected(model, row, text[: first[token][0]], top_k)
    return [
        WordSurprisal(
            text[slice(*place)],
            place,
            sum(likelihoods[token] for token in inside),
            expected.get(place, ()),
            tuple((encoding.tokens[token], encoding.ids[token]) for token in inside),
        )
        for place, inside in tokens.items()
        if inside
    ]


def hidden_loss_steps(model: MaskedLM, text: str, masks: Sequence[Span], hidden: Sequence[str]) -> ForwardSteps[float]:
    """The mean cross-entropy in nats of the words that the masks of a text hide, from one forward for each window."""
    losses: list[float] = []
    for window in windows(model, text, masks):
        inside = hidden[window.first : window.first + len(window.masks)]
        ids, asked, labels = _pieced(model, window, inside)
        if asked:
            logits = yield ForwardStep([ids], [asked])
            likelihoods = logits.log_softmax(-1).gather(-1, torch.tensor(labels)[:, None])
            losses += (-likelihoods.squeeze(-1)).tolist()
    return sum(losses) / len(losses) if losses else 0.0


def _pieced(model: MaskedLM, window: Window, hidden: Sequence[str]) -> tuple[list[int], list[int], list[int]]:
    """The window with as many masks for each mask as its hidden word has pieces; which are asked for; the pieces."""
    mask_id = model.tokenizer.mask_id
    ids: list[int] = []
    asked: list[int] = []
    labels: list[int] = []
    number = 0
    for id in model.tokenizer.encode(window.text, window.masks).ids:
        if id != mask_id:
            ids.append(id)
            continue
        pieces = pieces_at(model, window, number, hidden[number])
        if number in window.asked and len(ids) + len(pieces) < model.tokenizer.max_length:
            asked += range(len(ids), len(ids) + len(pieces))
            labels += pieces
        ids += [mask_id] * max(1, len(pieces))
        number += 1
    return ids[: model.tokenizer.max_length], asked, labels


def _tokens(model: MaskedLM, encoding: Encoding, place: Span) -> list[int]:
    """The tokens of a word, without masks."""
    return [
        token
        for token, (start, end) in enumerate(encoding.offsets)
        if start < place[1] and end > place[0] and encoding.ids[token] != model.tokenizer.mask_id
    ]


def _expected(model: MaskedLM, logits: Tensor, before: str, top_k: int) -> tuple[Candidate, ...]:
    vocabulary = model.vocabulary
    fits = vocabulary.fitting(is_continuation=vocabulary.is_continuation(before))
    probabilities = model.probabilities(logits)[: len(fits)].masked_fill(~fits, 0)
    best = probabilities.topk(min(top_k, len(fits)))
    capital, tokens = starts_sentence(before), model.tokenizer.vocabulary
    return tuple(
        Candidate(vocabulary.apply_case((id,), capital=capital), probability, ((tokens[id], id),))
        for id, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    )
