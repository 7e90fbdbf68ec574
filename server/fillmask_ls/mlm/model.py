"""A masked language model in memory: its parts, and the logits of one forward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from .likelihood import log_probabilities
from .linear import bucket_size
from .tokenization import Tokenizer
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from .encoder import BertEncoder
    from .head import MLMHead
    from .network import Network
    from .openvino import CompiledNetwork


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A masked language model in evaluation mode, with its tokenizer.

    A BERT or MPNet is an ``encoder`` and a ``head``, which hold the only copy of the weights. Any other architecture is
    the ``network`` that transformers builds.

    Attributes:
        name: ``embedded``, a hub id or a folder, as the user gave it.
        device: where the weights are.
        dtype: of the weights.
        tokenizer: text to token ids.
        vocabulary: which tokens are words, and how they are written.
        encoder: a BERT's or MPNet's embeddings and layers; None for other architectures.
        head: their masked-language-model head; None for other architectures.
        network: the network of any other architecture; None for these two.
        embeddings: the token embeddings [vocabulary, h].
        temperature: divides the logits to calibrate the probabilities (Guo et al. 2017); 1 if none was fitted.
        compiled: the network compiled by OpenVINO, with the runtime ``openvino``.
        notes: what is computed otherwise than the user asked, each a sentence with its reason.
    """

    name: str
    device: torch.device
    dtype: torch.dtype
    tokenizer: Tokenizer = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)
    encoder: BertEncoder | None = field(repr=False)
    head: MLMHead | None = field(repr=False)
    network: Network | None = field(repr=False)
    embeddings: Tensor = field(repr=False)
    temperature: float = 1.0
    compiled: CompiledNetwork | None = field(repr=False, default=None)
    notes: tuple[str, ...] = ()

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Return calibrated log-probabilities [..., vocabulary] in nats for logits [..., vocabulary]."""
        return log_probabilities(logits, self.temperature)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return calibrated probabilities [..., vocabulary] for logits [..., vocabulary]."""
        return (logits / self.temperature).softmax(-1)

    @torch.inference_mode()
    def logits(
        self,
        rows: Sequence[Sequence[int]],
        positions: Sequence[Sequence[int]],
        yield_point: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """Compute the logits at some positions of a batch, in one forward pass.

        The decoder is most of a small model's work, so it sees no other position.

        Args:
            rows: token ids with special tokens; at least one row, of any lengths.
            positions: the positions to predict in each row, in ascending order.
            yield_point: called several times during a BERT's forward pass, so that urgent work needn't wait for its
                end. Other networks compute in one go.

        Returns:
            Logits [m, vocabulary] of the ``m`` positions, row after row, on the model's device and in its dtype
            (float32 with the runtime ``openvino``).
        """
        if self.network is None or self.network.is_padding_invariant:
            return self._padded_logits(rows, positions, yield_point)
        parts: dict[int, Tensor] = {}
        for numbers in _rows_by_length(rows):
            inside = [positions[number] for number in numbers]
            logits = self._padded_logits([rows[number] for number in numbers], inside, yield_point)
            parts.update(zip(numbers, torch.split(logits, list(map(len, inside))), strict=True))
            yield_point()
        return torch.cat([parts[number] for number in range(len(rows))]) if len(parts) > 1 else parts[0]

    def _padded_logits(
        self, rows: Sequence[Sequence[int]], positions: Sequence[Sequence[int]], yield_point: Callable[[], None]
    ) -> Tensor:
        """Compute the logits at some positions of rows that are padded to one length."""
        length, pad_id = max(map(len, rows)), 0
        if self.network is not None:
            pad_id = self.network.pad_id
            if self.network.is_padding_invariant:  # few lengths; BERT's encoder pads by itself, where that costs less
                length = max(length, min(bucket_size(length), self.tokenizer.max_length))
        input_ids = torch.tensor([[*row, *[pad_id] * (length - len(row))] for row in rows], device=self.device)
        flat = [number * length + position for number, inside in enumerate(positions) for position in inside]
        padding = [0] * (bucket_size(len(flat)) - len(flat))
        attention_mask = None
        if any(len(row) < length for row in rows):
            lengths = torch.tensor([[len(row)] for row in rows], device=self.device)
            attention_mask = torch.arange(length, device=self.device) < lengths
        flat_positions = torch.tensor(flat + padding, device=self.device)
        return self._logits(input_ids, flat_positions, attention_mask, yield_point)[: len(flat)]

    def _logits(
        self, input_ids: Tensor, positions: Tensor, attention_mask: Tensor | None, yield_point: Callable[[], None]
    ) -> Tensor:
        if self.compiled is not None:
            return self.compiled.logits(input_ids, positions, attention_mask)
        if self.encoder is not None and self.head is not None:
            return self.head.logits(self.encoder.last_hidden_state(input_ids, positions, attention_mask, yield_point))
        assert self.network is not None  # noqa: S101 - a model has an encoder or a network
        return self.network.logits(input_ids, positions, attention_mask)


def _rows_by_length(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the numbers of the rows of each length."""
    numbers: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        numbers.setdefault(len(row), []).append(number)
    return list(numbers.values())
