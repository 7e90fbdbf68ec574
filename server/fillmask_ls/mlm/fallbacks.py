"""Fall back to what works: to float32 from a reduced precision, and to torch from OpenVINO."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

import torch

from .masked_lm import MaskedLM
from .self_check import disagreement

if TYPE_CHECKING:
    from .network import Network

    Build = Callable[[torch.dtype], Network]

_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1, torch.float16: 0.1}
"""The :func:`disagreement` that rounding explains."""

_LENGTHS_OF_PRECISION = (4, 33)
"""Tokens of the texts that show whether a network works in a reduced precision."""


def fall_back_to_float32(model: MaskedLM, build: Build) -> MaskedLM:
    """Return the model, in float32 if its network fails or is off in its reduced precision.

    A BERT's own encoder works in every precision.

    Args:
        model: a model whose dtype nobody chose.
        build: builds the network in another dtype.
    """
    if model.network is None or model.dtype == torch.float32:
        return model
    error = disagreement(model, replace(model, network=model.network.in_float32()), _LENGTHS_OF_PRECISION)
    if error < _TOLERANCE[model.dtype]:
        return model
    network = build(torch.float32)
    dtype = str(model.dtype).removeprefix("torch.")
    problem = (
        f"logits in {dtype} differ by {100 * error:.0f} % from those in float32"
        if isfinite(error)
        else f"architecture fails in {dtype}"
    )
    note = f"Model {model.name!r} is computed in float32, because its {problem}."
    return replace(
        model, network=network, embeddings=network.embeddings, dtype=torch.float32, notes=(*model.notes, note)
    )


def compile_or_fall_back(model: MaskedLM, build: Build) -> MaskedLM:
    """Return the model with its network compiled by OpenVINO, or as is if OpenVINO can't compute it rightly.

    Args:
        model: the model.
        build: builds the network in a dtype, if the model is a BERT.

    Raises:
        CheckpointError: OpenVINO is not installed, or the model is not on the CPU.
    """
    from .network import silence_transformers
    from .openvino import CompiledNetwork, CompileError

    try:
        with silence_transformers():
            result = replace(model, compiled=CompiledNetwork.compile(model.network or build(model.dtype)))
        error = disagreement(result, model)
        if error < _TOLERANCE.get(model.dtype, _TOLERANCE[torch.float32]):
            return result
        problem = f"its results are off by {error:.0%}" if isfinite(error) else "the compiled network fails"
    except CompileError:
        problem = "it can't compile this architecture"
    note = f"Model {model.name!r} is computed by the runtime 'torch' instead of 'openvino', because {problem}."
    return replace(model, notes=(*model.notes, note))
