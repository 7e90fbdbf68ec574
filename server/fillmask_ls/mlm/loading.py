"""Load a checkpoint: choose device and dtype, read the weights, and predict once to see that it works.

transformers takes seconds to import, so a BERT and an MPNet are read without it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from fillmask_ls import MASK

from . import roc_bert
from .bert import read_bert
from .checkpoint import CALIBRATION, Checkpoint, CheckpointError, resolve
from .fallbacks import compile_or_fall_back, fall_back_to_float32
from .masked_lm import MaskedLM
from .prediction import predict
from .tokenization import NO_LIMIT, Tokenizer
from .tokenizer_files import load_tokenizer, wrap_tokenizer
from .vocabulary import Vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from .encoder import BertEncoder
    from .head import MLMHead
    from .network import Network

logger = logging.getLogger(__name__)

_DEFAULT_LIMIT = 512
"""Tokens that a network without a limit reads at once: memory grows with the square of their number."""


def load(
    model: str | Path | Checkpoint | PreTrainedModel = "auto",
    tokenizer: PreTrainedTokenizerBase | None = None,
    *,
    revision: str | None = None,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype | None = None,
    runtime: str = "torch",
    download: bool = False,
) -> MaskedLM:
    """Load a masked language model.

    Args:
        model: as for :func:`fillmask_ls.mlm.checkpoint.resolve`; or a model of transformers in memory, which is put in
            evaluation mode and otherwise stays as is.
        tokenizer: the tokenizer of a model in memory.
        revision: a branch, tag or commit of a model on the hub; by default ``main``.
        device: ``auto`` (CUDA, then MPS, then CPU), a torch device or its name.
        dtype: of the weights: ``auto``, ``"float32"``, ``torch.float32`` or another; by default bfloat16 if the device
            computes it natively, else float32.
        runtime: ``torch`` or ``openvino``. ``openvino`` is an optional extra, runs on the CPU and needs memory for a
            second copy of the weights, because hidden states still come from torch.
        download: whether to download a model that is not on this machine from the Hugging Face hub; for ``auto``, the
            model that it looks for first.

    Returns:
        The model in evaluation mode.

    Raises:
        CheckpointError: the model can't be found or loaded, or has no masked-language-model head.
        TypeError: an argument is of a wrong type.

    >>> model = mlm.load("embedded")
    >>> mlm.fill(model, "The patient was taken to the [MASK] by ambulance.")
    'The patient was taken to the hospital by ambulance.'
    """
    if runtime not in ("torch", "openvino"):
        raise CheckpointError(f"runtime {runtime!r} is unknown. Choose 'torch' or 'openvino'.")
    if isinstance(model, torch.nn.Module):
        if revision is not None or download or device != "auto" or dtype is not None:
            raise TypeError("a model in memory has no revision or download, and keeps its device and dtype")
        return _wrap(model, tokenizer, runtime)
    if tokenizer is not None:
        raise TypeError("a tokenizer is only for a model in memory; a checkpoint has its own")
    if not isinstance(model, (str, Path, Checkpoint)):
        raise TypeError(f"model must be a name, a folder or a model of transformers, not {type(model).__name__}")
    options = {"device": device, "dtype": dtype, "runtime": runtime}
    if model == "auto":
        try:
            return load(resolve("auto", download=download, revision=revision), **options)  # type: ignore[arg-type]
        except CheckpointError:  # the cached model is damaged: use the embedded one until it is fixed
            if download or revision is not None:
                raise
            return load("embedded", **options)  # type: ignore[arg-type]
    checkpoint = model if isinstance(model, Checkpoint) else resolve(model, revision=revision, download=download)
    torch_device = _choose_device(device)
    own_tokenizer = load_tokenizer(checkpoint)

    def build(dtype: torch.dtype) -> Network:
        from .network import build

        network = build(checkpoint, torch_device, dtype)
        roc_bert.add_inputs(network.module, own_tokenizer, checkpoint.path)
        return network

    weights = _read_weights(checkpoint, torch_device, _choose_dtype(dtype, torch_device), build)
    loaded = _assemble(checkpoint.name, own_tokenizer, weights, temperature=_read_temperature(checkpoint))
    if dtype in (None, "auto"):
        loaded = fall_back_to_float32(loaded, build)
    loaded = _finish(loaded, runtime, build)
    return replace(loaded, source=(_load_checkpoint, checkpoint, revision, str(torch_device), loaded.dtype, runtime))


def _load_checkpoint(
    checkpoint: Checkpoint, revision: str | None, device: str, dtype: torch.dtype, runtime: str
) -> MaskedLM:
    """Load a checkpoint again, for a pickle; the folder need not be where it was."""
    try:
        return load(checkpoint, device=device, dtype=dtype, runtime=runtime)
    except CheckpointError:
        return load(checkpoint.name, revision=revision, device=device, dtype=dtype, runtime=runtime)


def _wrap(module: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None, runtime: str) -> MaskedLM:
    """Use a model and tokenizer of transformers that are in memory."""
    from .network import wrap

    if tokenizer is None or not hasattr(tokenizer, "mask_token"):
        raise TypeError("a model in memory needs its tokenizer: load(model, tokenizer)")
    own = wrap_tokenizer(tokenizer)
    network = wrap(module.eval())  # type: ignore[no-untyped-call]
    weights = _Weights(None, None, network, network.embeddings.detach(), network.max_positions())
    loaded = _assemble(module.name_or_path or type(module).__name__, own, weights, temperature=1.0)
    return replace(_finish(loaded, runtime, lambda _: network), source=(_wrap, module, tokenizer, runtime))


def _assemble(name: str, tokenizer: Tokenizer, weights: _Weights, *, temperature: float) -> MaskedLM:
    _fit_tokenizer(tokenizer, weights, name)
    return MaskedLM(
        name=name,
        device=weights.embeddings.device,
        dtype=weights.embeddings.dtype,
        tokenizer=tokenizer,
        vocabulary=_build_vocabulary(tokenizer, name),
        encoder=weights.encoder,
        head=weights.head,
        network=weights.network,
        embeddings=weights.embeddings,
        temperature=temperature,
    )


def _finish(model: MaskedLM, runtime: str, build: Callable[[torch.dtype], Network]) -> MaskedLM:
    """Use the chosen runtime, log what is computed otherwise than the user asked, and predict once."""
    if runtime == "openvino":
        model = compile_or_fall_back(model, build)
    for note in model.notes:
        logger.warning("%s", note)
    _predict_once(model)
    return model


class _Weights(NamedTuple):
    """A checkpoint's network: an encoder and a head, or what transformers builds."""

    encoder: BertEncoder | None
    head: MLMHead | None
    network: Network | None
    embeddings: Tensor
    max_positions: int | None


def _read_weights(
    checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype, build: Callable[[torch.dtype], Network]
) -> _Weights:
    bert = read_bert(checkpoint, device, dtype)
    if bert is not None:
        encoder, head = bert
        return _Weights(encoder, head, None, encoder.word_embeddings, encoder.max_positions)
    network = build(dtype)
    return _Weights(None, None, network, network.embeddings, network.max_positions())


def _fit_tokenizer(tokenizer: Tokenizer, weights: _Weights, name: str) -> None:
    """Limit the tokenizer to the positions that the network has."""
    if len(weights.embeddings) < tokenizer.vocab_size:
        raise CheckpointError(f"model {name!r}: its tokenizer has more tokens than its embeddings have rows.")
    if weights.max_positions is not None:
        tokenizer.max_length = min(tokenizer.max_length, weights.max_positions)
    elif tokenizer.max_length >= NO_LIMIT:
        tokenizer.max_length = _DEFAULT_LIMIT


def _build_vocabulary(tokenizer: Tokenizer, name: str) -> Vocabulary:
    try:
        return Vocabulary(tokenizer)
    except CheckpointError as error:
        raise CheckpointError(f"model {name!r}: {error}.") from error


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
        entropy = predict(model, MASK, top_k=1, max_subwords=1)[0].entropy
    except Exception as error:
        dtype = str(model.dtype).removeprefix("torch.")
        advice = (
            "" if model.dtype == torch.float32 else f" Its network may not work in {dtype}: choose 'float32' or 'auto'."
        )
        raise CheckpointError(
            f"model {model.name!r} loads but can't predict: {type(error).__name__}: {error}.{advice}"
        ) from error
    if entropy is None or not isfinite(entropy):
        raise CheckpointError(f"model {model.name!r} loads, but its logits are not finite: its weights are damaged.")


def _choose_device(name: str | torch.device) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(
            f"device {str(name)!r} can't be used here: {reason.rstrip('.')}. Choose 'auto' or 'cpu'."
        ) from error
    return device


def _choose_dtype(dtype: str | torch.dtype | None, device: torch.device) -> torch.dtype:
    if dtype is None or dtype == "auto":
        return native_dtype(device)
    found = getattr(torch, dtype.removeprefix("torch."), None) if isinstance(dtype, str) else dtype
    if not (isinstance(found, torch.dtype) and found.is_floating_point):
        raise CheckpointError(f"dtype {dtype!r} is unknown. Choose 'auto', 'float32', 'bfloat16' or 'float16'.")
    return found


def native_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 if the device computes in it natively, otherwise float32."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device.type == "cpu" and torch.cpu.get_capabilities().get("avx512_bf16", False)
    return torch.bfloat16 if native else torch.float32
