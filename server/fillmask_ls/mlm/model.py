"""Load a checkpoint into memory, ready to predict.

transformers, which takes seconds to import, is imported only for what is no BERT.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fillmask_ls import MASK

from . import bert
from .checkpoint import CALIBRATION, Checkpoint, CheckpointError, resolve
from .linear import bucket_size
from .tokenization import Tokenizer, load_tokenizer
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from .encoder import BertEncoder
    from .head import MLMHead
    from .openvino import CompiledNetwork


@dataclass(frozen=True, slots=True, eq=False)
class MaskedLM:
    """A masked language model in evaluation mode, with its tokenizer.

    A BERT is its ``encoder`` and ``head``, which hold the only copy of the weights; any other architecture is the
    ``network`` that transformers builds.

    Attributes:
        embeddings: of the tokens, [vocabulary, h], from which the network begins.
        temperature: by which logits are divided for calibrated probabilities (Guo et al. 2017); 1 where none was fitted.
        compiled: what computes the logits instead, with the runtime ``openvino``.
    """

    name: str
    device: torch.device
    dtype: torch.dtype
    tokenizer: Tokenizer = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)
    encoder: BertEncoder | None = field(repr=False)
    head: MLMHead | None = field(repr=False)
    network: PreTrainedModel | None = field(repr=False)
    embeddings: Tensor = field(repr=False)
    temperature: float = 1.0
    compiled: CompiledNetwork | None = field(repr=False, default=None)

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """The calibrated log-probabilities of logits, each [..., vocabulary]."""
        return (logits / self.temperature).log_softmax(-1)

    def probabilities(self, logits: Tensor) -> Tensor:
        """The calibrated probabilities of logits, each [..., vocabulary]."""
        return (logits / self.temperature).softmax(-1)

    @torch.inference_mode()
    def logits(
        self,
        rows: Sequence[Sequence[int]],
        asked: Sequence[Sequence[int]],
        yield_point: Callable[[], None] = lambda: None,
    ) -> Tensor:
        """The logits [m, vocabulary] at the ``m`` positions that are asked for, row after row, from one forward.

        The decoder, most of a small model's work, sees no other position.

        Args:
            rows: token ids, with the special tokens around them; one row at least, of any lengths.
            asked: for each row its positions, in order.
            yield_point: called several times in the midst of a BERT's forward, which is otherwise as long as a model
                is large; any other network computes in one go.

        Returns:
            A tensor on the model's device, in its dtype; in float32 with the runtime ``openvino``.
        """
        length = max(map(len, rows))
        if self.network is not None:  # the encoder pads for itself, where it is less work
            length = max(length, min(bucket_size(length), self.tokenizer.max_length))
        ids = torch.tensor([[*row, *[0] * (length - len(row))] for row in rows], device=self.device)
        places = [row * length + position for row, positions in enumerate(asked) for position in positions]
        at = torch.tensor(places + [0] * (bucket_size(len(places)) - len(places)), device=self.device)
        present = None
        if any(len(row) < length for row in rows):
            lengths = torch.tensor([[len(row)] for row in rows], device=self.device)
            present = torch.arange(length, device=self.device) < lengths
        return self._logits(ids, at, present, yield_point)[: len(places)]

    def _logits(self, ids: Tensor, asked: Tensor, present: Tensor | None, yield_point: Callable[[], None]) -> Tensor:
        if self.compiled is not None:
            return self.compiled.logits(ids, asked, present)
        if self.encoder is not None and self.head is not None:
            return self.head.logits(self.encoder.last_hidden_state(ids, asked, present, yield_point))
        assert self.network is not None  # noqa: S101 - a model has the one or the other
        logits: Tensor = self.network(input_ids=ids, attention_mask=present).logits
        return logits.flatten(0, 1)[asked]


def load(
    model: str | Checkpoint = "auto",
    *,
    device: str = "auto",
    dtype: torch.dtype | None = None,
    runtime: str = "torch",
    download: bool = False,
) -> MaskedLM:
    """Load a masked language model.

    Args:
        model: as for :func:`fillmask_ls.mlm.checkpoint.resolve`.
        device: ``auto`` (CUDA, then MPS, then CPU) or a torch device.
        dtype: of the weights; by default bfloat16 where the device computes it natively, else float32.
        runtime: what computes the logits: ``torch`` or ``openvino``, which is an optional extra and runs on the CPU; it takes the memory of
            a second copy of the weights, because hidden states still come from torch.
        download: whether a model that is not on this machine may be fetched from the hub.

    Raises:
        CheckpointError: it can't be found or loaded, or has no masked-language-model head.
    """
    if model == "auto":
        try:
            return load(resolve("auto"), device=device, dtype=dtype, runtime=runtime)
        except CheckpointError:  # what the cache holds is damaged: the embedded model serves until it is mended
            return load("embedded", device=device, dtype=dtype, runtime=runtime)
    checkpoint = model if isinstance(model, Checkpoint) else resolve(model, download=download)
    place = _device(device)
    dtype = dtype or _native_dtype(place)
    if runtime not in ("torch", "openvino"):
        raise CheckpointError(f"runtime {runtime!r} is unknown. Choose 'torch' or 'openvino'.")
    tokenizer = load_tokenizer(checkpoint)
    temperature = _temperature(checkpoint)
    encoder, head = bert.read(checkpoint, place, dtype) or (None, None)
    network = None
    embeddings: Any
    if encoder is not None:
        embeddings, positions = encoder.words, len(encoder.positions)
    else:
        from .network import build, positions_of

        network = build(checkpoint, place, dtype)
        embeddings, positions = network.get_input_embeddings().weight, positions_of(network)
    if len(embeddings) < tokenizer.vocab_size:
        raise CheckpointError(f"model {checkpoint.name!r}: its tokenizer knows more tokens than its weights do.")
    tokenizer.max_length = min(tokenizer.max_length, positions)
    loaded = MaskedLM(
        name=checkpoint.name,
        device=embeddings.device,
        dtype=dtype,
        tokenizer=tokenizer,
        vocabulary=Vocabulary(tokenizer),
        encoder=encoder,
        head=head,
        network=network,
        embeddings=embeddings,
        temperature=temperature,
        compiled=_compiled(checkpoint, place, dtype, network) if runtime == "openvino" else None,
    )
    _try(loaded)
    return loaded


def _compiled(
    checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype, network: PreTrainedModel | None
) -> CompiledNetwork:
    from .network import build, quiet
    from .openvino import CompiledNetwork

    if network is None:
        network = build(checkpoint, device, dtype)
    with quiet():
        return CompiledNetwork.of(network)


def _temperature(checkpoint: Checkpoint) -> float:
    file = checkpoint.path / CALIBRATION
    if not file.is_file():
        return 1.0
    try:
        temperature = float(json.loads(file.read_text(encoding="utf-8")).get("temperature", 1))
    except (AttributeError, OSError, TypeError, ValueError) as error:
        raise CheckpointError(f"model {checkpoint.name!r}: {CALIBRATION} can't be read: {error}") from error
    if not 0.01 <= temperature <= 100:
        raise CheckpointError(f"model {checkpoint.name!r}: the temperature in {CALIBRATION} must be from 0.01 to 100.")
    return temperature


def _try(model: MaskedLM) -> None:
    """Predict once: a checkpoint can load and not work, and the first forward of a process is slow."""
    from .prediction import predict

    try:
        entropy = predict(model, MASK, top_k=1)[0].entropy
    except Exception as error:
        raise CheckpointError(
            f"model {model.name!r} loads but can't predict: {type(error).__name__}: {error}"
        ) from error
    if entropy is None or not isfinite(entropy):
        raise CheckpointError(f"model {model.name!r} loads but predicts no numbers: its weights are damaged.")


def _device(device: str) -> torch.device:
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(
            f"device {device!r} can't be used here: {reason.rstrip('.')}. Choose 'auto' or 'cpu'."
        ) from error
    return place


def _native_dtype(device: torch.device) -> torch.dtype:
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device.type == "cpu" and torch.cpu.get_capabilities().get("avx512_bf16", False)
    return torch.bfloat16 if native else torch.float32
