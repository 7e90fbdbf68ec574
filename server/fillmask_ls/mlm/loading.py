"""Load a checkpoint: choose device and dtype, read the weights, and predict once to see that it works.

transformers takes seconds to import, so only architectures other than BERT import it.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from fillmask_ls import MASK

from .bert import read_bert
from .checkpoint import CALIBRATION, Checkpoint, CheckpointError, resolve
from .model import MaskedLM
from .prediction import predict
from .tokenization import Tokenizer, load_tokenizer
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from .encoder import BertEncoder
    from .head import MLMHead
    from .openvino import CompiledNetwork


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
        dtype: of the weights; by default bfloat16 if the device computes it natively, else float32.
        runtime: ``torch`` or ``openvino``. ``openvino`` is an optional extra, runs on the CPU and needs memory for a
            second copy of the weights, because hidden states still come from torch.
        download: whether to download a model that is not on this machine from the Hugging Face hub.

    Returns:
        The model in evaluation mode.

    Raises:
        CheckpointError: the model can't be found or loaded, or has no masked-language-model head.

    >>> model = mlm.load("embedded")
    >>> mlm.fill(model, "The patient was taken to the [MASK] by ambulance.")
    'The patient was taken to the hospital by ambulance.'
    """
    if model == "auto":
        try:
            return load(resolve("auto"), device=device, dtype=dtype, runtime=runtime)
        except CheckpointError:  # the cached model is damaged: use the embedded one until it is fixed
            return load("embedded", device=device, dtype=dtype, runtime=runtime)
    if runtime not in ("torch", "openvino"):
        raise CheckpointError(f"runtime {runtime!r} is unknown. Choose 'torch' or 'openvino'.")
    checkpoint = model if isinstance(model, Checkpoint) else resolve(model, download=download)
    torch_device = _choose_device(device)
    dtype = dtype or _native_dtype(torch_device)
    tokenizer = load_tokenizer(checkpoint)
    temperature = _read_temperature(checkpoint)
    weights = _read_weights(checkpoint, torch_device, dtype)
    _fit_tokenizer(tokenizer, weights, checkpoint.name)
    vocabulary = _build_vocabulary(tokenizer, checkpoint.name)
    loaded = MaskedLM(
        name=checkpoint.name,
        device=weights.embeddings.device,
        dtype=dtype,
        tokenizer=tokenizer,
        vocabulary=vocabulary,
        encoder=weights.encoder,
        head=weights.head,
        network=weights.network,
        embeddings=weights.embeddings,
        temperature=temperature,
        compiled=_compile(checkpoint, torch_device, dtype, weights.network) if runtime == "openvino" else None,
    )
    _predict_once(loaded)
    return loaded


class _Weights(NamedTuple):
    """A checkpoint's network: an encoder and a head, or what transformers builds."""

    encoder: BertEncoder | None
    head: MLMHead | None
    network: PreTrainedModel | None
    embeddings: Any
    max_positions: int


def _read_weights(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> _Weights:
    bert = read_bert(checkpoint, device, dtype)
    if bert is not None:
        encoder, head = bert
        return _Weights(encoder, head, None, encoder.word_embeddings, len(encoder.position_embeddings))
    from .network import build, max_positions

    network = build(checkpoint, device, dtype)
    return _Weights(None, None, network, network.get_input_embeddings().weight, max_positions(network))


def _fit_tokenizer(tokenizer: Tokenizer, weights: _Weights, name: str) -> None:
    """Limit the tokenizer to the positions that the network has."""
    if len(weights.embeddings) < tokenizer.vocab_size:
        raise CheckpointError(f"model {name!r}: its tokenizer knows more tokens than its weights do.")
    tokenizer.max_length = min(tokenizer.max_length, weights.max_positions)


def _build_vocabulary(tokenizer: Tokenizer, name: str) -> Vocabulary:
    try:
        return Vocabulary(tokenizer)
    except CheckpointError as error:
        raise CheckpointError(f"model {name!r}: {error}.") from error


def _compile(
    checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype, network: PreTrainedModel | None
) -> CompiledNetwork:
    from .network import build, silence_transformers
    from .openvino import CompiledNetwork

    if network is None:
        network = build(checkpoint, device, dtype)
    with silence_transformers():
        return CompiledNetwork.compile(network)


def _read_temperature(checkpoint: Checkpoint) -> float:
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


def _predict_once(model: MaskedLM) -> None:
    """Predict once, because a checkpoint can load and not work; this also warms up the process."""
    try:
        entropy = predict(model, MASK, top_k=1)[0].entropy
    except Exception as error:
        raise CheckpointError(
            f"model {model.name!r} loads but can't predict: {type(error).__name__}: {error}"
        ) from error
    if entropy is None or not isfinite(entropy):
        raise CheckpointError(f"model {model.name!r} loads but predicts no numbers: its weights are damaged.")


def _choose_device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(
            f"device {name!r} can't be used here: {reason.rstrip('.')}. Choose 'auto' or 'cpu'."
        ) from error
    return device


def _native_dtype(device: torch.device) -> torch.dtype:
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device.type == "cpu" and torch.cpu.get_capabilities().get("avx512_bf16", False)
    return torch.bfloat16 if native else torch.float32
