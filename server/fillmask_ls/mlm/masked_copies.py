"""Copies of a text with some tokens masked, as pseudo-log-likelihood needs them (Salazar et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .forward_steps import MAX_TOKENS_PER_STEP, ForwardStep
from .likelihood import log_likelihoods, ranks
from .masking import word_numbers
from .model import LoadedModel
from .results import Metric
from .tokenization import Encoding

_Word = tuple[int | None, int | None]
"""The number of a token's word, first as the tokenizer splits words, then as a person does."""


@dataclass(frozen=True, slots=True)
class MaskedCopy:
    """A window of a text with some tokens masked.

    Attributes:
        text_index: the index of the text.
        tokens: the indexes of the tokens to score, in the text's encoding.
        input_ids: the window's token ids, with masks.
        positions: the positions of ``tokens`` in ``input_ids``.
        labels: the original ids of ``tokens``.
    """

    text_index: int
    tokens: Sequence[int]
    input_ids: list[int]
    positions: list[int]
    labels: list[int]


def masked_copies(
    model: LoadedModel, text_index: int, encoding: Encoding, text: str, metric: Metric
) -> Iterator[MaskedCopy]:
    """Yield the copies that score each token of a text once; ``[MASK]`` is context and is not scored.

    A text longer than the model's limit is cut into windows that overlap: a token has at least a quarter of a window
    on each side, unless the text ends there.
    """
    # SentencePiece splits words at spaces only, or nowhere, so a person's words count as well.
    words = list(zip(encoding.words, word_numbers(encoding, text), strict=True))
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
        for group, masked in _groups(words, range(start, stop), metric):
            tokens = [token for token in group if encoding.ids[token] != mask_id]
            if tokens:
                input_ids = window.copy()
                for token in masked:
                    if low <= token < high:
                        input_ids[token + shift] = mask_id
                positions = [token + shift for token in tokens]
                yield MaskedCopy(text_index, tokens, input_ids, positions, [encoding.ids[token] for token in tokens])


def _groups(words: Sequence[_Word], block: range, metric: Metric) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    """Yield the tokens of a block in groups that share a copy, each with the tokens to mask in it."""
    for token in block:
        if metric == "original":
            yield [token], [token]
            continue
        start, end = token, token + 1
        while words[end : end + 1] == [words[token]]:
            end += 1
        if metric == "within_word_l2r":
            yield [token], range(token, end)
            continue
        while start and words[start - 1] == words[token]:
            start -= 1
        if token == max(start, block.start):
            yield range(token, min(end, block.stop)), range(start, end)


@dataclass(frozen=True, slots=True)
class CopyBatch:
    """Masked copies that share a forward step."""

    copies: Sequence[MaskedCopy]

    @property
    def step(self) -> ForwardStep:
        """The forward step that predicts the tokens to score."""
        return ForwardStep([copy.input_ids for copy in self.copies], [copy.positions for copy in self.copies])

    @property
    def tokens(self) -> list[tuple[int, int]]:
        """The tokens to score, copy after copy: the index of the text, and that of the token in it."""
        return [(copy.text_index, token) for copy in self.copies for token in copy.tokens]

    def log_likelihoods(self, logits: Tensor, temperature: float = 1.0) -> list[float]:
        """Return the log-likelihood of each token, in nats, at most 0; ``logits`` are those of :attr:`step`."""
        return log_likelihoods(logits, self._labels, temperature).clamp(max=0.0).tolist()

    def ranks(self, logits: Tensor) -> list[int]:
        """Return the rank of each token among all tokens, from 1; equally probable ones share the first rank."""
        return ranks(logits, self._labels)

    @property
    def _labels(self) -> Tensor:
        return torch.tensor([label for copy in self.copies for label in copy.labels])


def batch_copies(copies: Iterable[MaskedCopy]) -> Iterator[CopyBatch]:
    """Group copies, which come longest first, into batches of about ``MAX_TOKENS_PER_STEP`` tokens."""
    batch: list[MaskedCopy] = []
    for copy in copies:
        if batch and (len(batch) + 1) * len(batch[0].input_ids) > MAX_TOKENS_PER_STEP:
            yield CopyBatch(batch)
            batch = []
        batch.append(copy)
    if batch:
        yield CopyBatch(batch)
