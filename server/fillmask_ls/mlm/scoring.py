"""What a masked language model makes of a text: logits, hidden states, loss, pseudo-log-likelihood, surprisal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor

from fillmask_ls.spans import Span

from .forward_steps import TOKENS_AT_ONCE, ForwardStep, ForwardSteps, run_steps
from .masking import IGNORED, word_numbers
from .model import MaskedLM
from .results import Metric, Score, TokenScore
from .tokenization import Encoding

_Word = tuple[int | None, int | None]
"""Told from others by its number as the tokenizer splits words, and as a person does."""


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """One forward pass over a batch of ``b`` rows of ``n`` tokens.

    ``logits`` [b, n, vocabulary]; ``hidden_states``: the embeddings' output, then each layer's, each [b, n, h].
    """

    logits: Tensor
    hidden_states: tuple[Tensor, ...]


@torch.inference_mode()
def forward(model: MaskedLM, input_ids: Tensor, attention_mask: Tensor | None = None) -> Forward:
    """Run the whole network over ``input_ids`` [b, n], and keep the hidden states of all layers.

    Args:
        attention_mask: bool [b, n], false where a row is padded; None when no row is.
    """
    ids = input_ids.to(model.device)
    present = None if attention_mask is None else attention_mask.to(model.device, torch.bool)
    if model.encoder is not None and model.head is not None:
        states = model.encoder.hidden_states(ids, present)
        return Forward(model.head.logits(states[-1]), states)
    assert model.network is not None  # noqa: S101 - a model has the one or the other
    output = model.network(input_ids=ids, attention_mask=present, output_hidden_states=True)
    return Forward(output.logits, output.hidden_states)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean negative log-likelihood of the labels, by hand, in nats.

    Args:
        logits: [..., vocabulary].
        labels: int64 [...], :data:`~fillmask_ls.mlm.masking.IGNORED` where a position doesn't count.

    Returns:
        A scalar in float32, at least 0; exactly 0 when no position counts.
    """
    counted = labels != IGNORED
    logits, labels = logits[counted].float(), labels[counted]
    if not len(labels):
        return torch.zeros(())
    likelihood = logits.gather(-1, labels[:, None]).squeeze(-1) - logits.logsumexp(-1)
    return -likelihood.mean()


def perplexity(loss: Tensor | float) -> float:
    """The number of equally likely tokens that a loss in nats amounts to, at least 1."""
    return float(torch.as_tensor(loss).exp())


def score(model: MaskedLM, texts: Sequence[str], *, form: Metric = "within_word_l2r") -> list[Score]:
    """The pseudo-log-likelihood of each text, token by token: each is masked in turn and asked for.

    A text that is too long for the model is read in windows that overlap: a token has a quarter of a window or more
    on either side, if the text has. A ``[MASK]`` in a text is context and has no score itself.

    Args:
        form: what is masked together with a token.

    Returns:
        One score a text, in order.

    Raises:
        ValueError: there is no such form.
    """
    return run_steps(model, score_steps(model, texts, form=form))


def score_steps(model: MaskedLM, texts: Sequence[str], *, form: Metric) -> ForwardSteps[list[Score]]:
    """As :func:`score`."""
    if form not in get_args(Metric):
        raise ValueError(f"form must be one of {', '.join(get_args(Metric))}, not {form!r}")
    encodings = [model.tokenizer.encode(text) for text in texts]
    # By length, so that little is padded; one by one, because a long text's windows together would fill the memory.
    by_length = sorted(range(len(texts)), key=lambda number: -len(encodings[number].ids))
    asked = (
        variant for number in by_length for variant in variants(model, number, encodings[number], texts[number], form)
    )
    found: list[dict[int, float]] = [{} for _ in texts]
    for batch in batches(asked):
        logits = yield ForwardStep([variant.ids for variant in batch], [variant.asked for variant in batch])
        for variant, likelihoods in zip(batch, _log_likelihoods(logits, batch), strict=True):
            found[variant.text].update(zip(variant.tokens, likelihoods, strict=True))
    return [
        Score(text, tuple(_scored(text, encoding.offsets[i], scores[i]) for i in sorted(scores)))
        for text, encoding, scores in zip(texts, encodings, found, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Variant:
    """A window of a text with some tokens masked.

    Attributes:
        text: its number.
        tokens: which of its tokens are asked for, as numbered in the whole text.
        ids: the window's, masked.
        asked: where in ``ids`` those tokens are.
        labels: what those tokens were.
    """

    text: int
    tokens: Sequence[int]
    ids: list[int]
    asked: list[int]
    labels: list[int]


def _words(encoding: Encoding, text: str) -> list[_Word]:
    """The word of each token: where the tokenizer or a person ends one. SentencePiece splits at spaces, or nowhere."""
    return list(zip(encoding.words, word_numbers(encoding, text), strict=True))


def variants(model: MaskedLM, number: int, encoding: Encoding, text: str, form: Metric) -> Iterator[Variant]:
    """What is to be asked to score each token of a text, by its number, in windows that overlap."""
    words = _words(encoding, text)
    mask_id = model.tokenizer.mask_id
    content = encoding.content(mask_id)
    if not content:
        return
    first, last = content[0], content[-1] + 1
    room = model.tokenizer.max_length - model.tokenizer.added_tokens
    block = room // 2 if last - first > room else room
    for start in range(first, last, block):
        stop = min(start + block, last)
        low = max(first, min(start - (room - block) // 2, last - room))
        high = min(low + room, last)
        window = encoding.ids[:first] + encoding.ids[low:high] + encoding.ids[last:]
        shift = first - low
        for together, masked in _masked(words, range(start, stop), form):
            asked = [i for i in together if encoding.ids[i] != mask_id]
            if asked:
                ids = window.copy()
                for i in masked:
                    if low <= i < high:
                        ids[i + shift] = mask_id
                yield Variant(number, asked, ids, [i + shift for i in asked], [encoding.ids[i] for i in asked])


def _masked(words: Sequence[_Word], block: range, form: Metric) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    """Which tokens of a block are asked for together, and which are masked for it."""
    for i in block:
        if form == "original":
            yield [i], [i]
            continue
        start, end = i, i + 1
        while words[end : end + 1] == [words[i]]:
            end += 1
        if form == "within_word_l2r":
            yield [i], range(i, end)
            continue
        while start and words[start - 1] == words[i]:
            start -= 1
        if i == max(start, block.start):
            yield range(i, min(end, block.stop)), range(start, end)


def batches(asked: Iterator[Variant]) -> Iterator[list[Variant]]:
    """The variants, which come longest first, as many at a time as have about ``TOKENS_AT_ONCE`` tokens."""
    batch: list[Variant] = []
    for variant in asked:
        if batch and (len(batch) + 1) * len(batch[0].ids) > TOKENS_AT_ONCE:
            yield batch
            batch = []
        batch.append(variant)
    if batch:
        yield batch


def _log_likelihoods(logits: Tensor, batch: list[Variant]) -> list[list[float]]:
    labels = torch.tensor([label for variant in batch for label in variant.labels])
    likelihoods = logits.gather(-1, labels[:, None]).squeeze(-1) - logits.logsumexp(-1)
    return [part.tolist() for part in torch.split(likelihoods, [len(variant.asked) for variant in batch])]


def _scored(text: str, span: Span, log_likelihood: float) -> TokenScore:
    return TokenScore(text[span[0] : span[1]], span, min(0.0, log_likelihood))
