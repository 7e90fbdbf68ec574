"""Inspect masked language modeling on one text: tokenize, mask at random, predict, compare with the original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import torch
from torch import Tensor

from fillmask_ls.spans import Span

from .arguments import check_count
from .forward_steps import ForwardStep, ForwardSteps
from .hidden_states import forward
from .likelihood import IGNORE_INDEX, log_likelihoods
from .masking import mask_all, sample_mask, seeded_generator
from .model import LoadedModel
from .results import InspectedToken, Inspection, TokenCandidate
from .text_functions import over_texts
from .tokenization import Encoding


@over_texts()
def inspect(
    model: LoadedModel, text: str, *, rate: float = 0.15, seed: int = 0, whole_words: bool = False, top_k: int = 5
) -> ForwardSteps[Inspection]:
    """Mask a text at random and compare the model's predictions with the original tokens.

    Special tokens are never masked. A ``[MASK]`` in the text stays one; it has no original, so it has no loss. A text
    longer than the model's limit is read in consecutive windows.

    Args:
        model: the model.
        text: a text of any length.
        rate: the probability of masking a token, 0 to 1.
        seed: of the random masking; with one seed, each text has its own draw.
        whole_words: mask all tokens of a word together.
        top_k: the number of candidates at each masked position, at least 1.

    Returns:
        The inspection. Probabilities and surprisals of tokens are calibrated by the model's temperature, as those of
        :func:`~fillmask_ls.mlm.prediction.predict`; losses and the perplexity are the training objective, uncalibrated.

    Raises:
        ValueError: ``rate`` is not between 0 and 1, or ``top_k`` is below 1.

    >>> inspection = mlm.inspect(model, "The quick brown fox jumps over the lazy dog.", seed=3)
    >>> [token.token for token in inspection.tokens if token.masked]
    ['brown']
    """
    check_count("top_k", top_k)
    generator = seeded_generator(seed, text)
    parts = []
    for start, end in model.tokenizer.windows(text):
        window = text[start:end]
        encoding = model.tokenizer.encode(window)
        masked = sample_mask(encoding, rate, generator=generator, whole_words=window if whole_words else None)
        if encoding.ids:  # an empty text has no tokens if the tokenizer adds none
            yield ForwardStep([encoding.ids], [[]])  # a window takes long: other work runs between two
            parts.append(_inspect_window(model, encoding, start, masked, top_k))
    all_norms = zip(*(part.hidden_norms for part in parts), strict=True)
    hidden_norms = tuple(float(torch.cat(norms).mean()) for norms in all_norms)
    return Inspection(
        model=model.name,
        seed=seed,
        rate=rate,
        tokens=tuple(token for part in parts for token in part.tokens),
        loss=_mean_loss([part.losses for part in parts]) or 0.0,
        masked_loss=_mean_loss([part.masked_losses for part in parts]),
        layers=max(0, len(hidden_norms) - 1),  # the first norm is that of the embeddings
        hidden_size=parts[0].hidden_size if parts else model.embeddings.shape[-1],
        hidden_norms=hidden_norms,
        temperature=model.temperature,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _InspectedWindow:
    """Attributes:
    tokens: every position.
    losses: at the positions that have an original, in nats.
    masked_losses: at those of them that were masked.
    hidden_norms: the L2 norms of the hidden states, of the embeddings and each layer, mostly [n].
    hidden_size: their width.
    """

    tokens: list[InspectedToken]
    losses: Tensor
    masked_losses: Tensor
    hidden_norms: list[Tensor]
    hidden_size: int


def _inspect_window(model: LoadedModel, encoding: Encoding, start: int, masked: Tensor, top_k: int) -> _InspectedWindow:
    """Inspect one window, which begins at the character ``start``; ``masked`` is bool [n]."""
    mask_id = model.tokenizer.mask_id
    original_ids = torch.tensor(encoding.ids)
    input_ids, labels = mask_all(original_ids, masked, mask_id)
    labels = labels.masked_fill(original_ids == mask_id, IGNORE_INDEX)
    if not encoding.content(mask_id):  # the loss of special tokens alone says nothing
        labels = labels.fill_(IGNORE_INDEX)
    output = forward(model, input_ids[None])
    logits = output.logits[0].float().cpu()
    losses = -log_likelihoods(logits, original_ids)
    return _InspectedWindow(
        tokens=_inspect_tokens(model, encoding, start, input_ids == mask_id, labels != IGNORE_INDEX, logits, top_k),
        losses=losses[labels != IGNORE_INDEX],
        masked_losses=losses[masked],
        hidden_norms=[states[0].float().norm(dim=-1).cpu() for states in output.hidden_states],
        hidden_size=output.hidden_states[-1].shape[-1],
    )


def _inspect_tokens(
    model: LoadedModel,
    encoding: Encoding,
    start: int,
    is_mask: Tensor,
    has_original: Tensor,
    logits: Tensor,
    top_k: int,
) -> list[InspectedToken]:
    tokenizer = model.tokenizer
    all_log_probabilities = model.log_probabilities(logits)
    originals = all_log_probabilities.gather(-1, torch.tensor(encoding.ids)[:, None])
    log_probabilities = all_log_probabilities[:, : tokenizer.vocab_size]  # a network can have more outputs than tokens
    higher = (log_probabilities > originals).count_nonzero(dim=-1).tolist()
    best = log_probabilities.argmax(-1).tolist()
    masked_candidates = iter(_candidates(model, log_probabilities[is_mask], top_k))
    tokens = []
    for index, (id, token, span) in enumerate(zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True)):
        candidates = next(masked_candidates) if is_mask[index] else ()
        original = bool(has_original[index])
        tokens.append(
            InspectedToken(
                id=id,
                token=token,
                span=_shift(span, start),
                masked=bool(is_mask[index]),
                predicted=candidates[0].token if candidates else tokenizer.vocabulary[best[index]],
                probability=exp(float(originals[index])) if original else None,
                rank=_rank(token, candidates, higher[index]) if original else None,
                predictions=candidates,
            )
        )
    return tokens


def _shift(span: Span, start: int) -> Span:
    """Shift a span of a window to the whole text; that of an added special token stays (0, 0)."""
    return (span[0] + start, span[1] + start) if span != (0, 0) else span


def _rank(token: str, candidates: Sequence[TokenCandidate], higher: int) -> int:
    """Return the rank of a token, from 1; among equally probable tokens, the order of the candidates counts."""
    ranks = (rank for rank, candidate in enumerate(candidates, 1) if candidate.token == token)
    return next(ranks, max(higher, len(candidates)) + 1)


def _candidates(model: LoadedModel, log_probabilities: Tensor, top_k: int) -> list[tuple[TokenCandidate, ...]]:
    """Return the most probable tokens for each row of [m, vocabulary]."""
    best = log_probabilities.topk(min(top_k, log_probabilities.shape[-1]))
    return [
        tuple(TokenCandidate(model.tokenizer.vocabulary[id], exp(value)) for value, id in zip(values, ids, strict=True))
        for values, ids in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


def _mean_loss(losses: Sequence[Tensor]) -> float | None:
    """Return the mean over all windows, at least 0; None without losses."""
    joined = torch.cat([torch.empty(0), *losses])
    return max(0.0, float(joined.mean())) if len(joined) else None
