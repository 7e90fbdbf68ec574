"""BERT's encoder and head, read straight from a checkpoint's files.

To import transformers and have it build the network takes more than twice as long.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, relu

from .checkpoint import Checkpoint, weight_files
from .encoder import BertEncoder, Layer
from .head import MLMHead
from .linear import Linear

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": gelu,
    "gelu_new": partial(gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(gelu, approximate="tanh"),
    "relu": relu,
}

_SIZES = (
    "vocab_size",
    "max_position_embeddings",
    "type_vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
)

_FORMER = {".gamma": ".weight", ".beta": ".bias"}
"""How the names of layer norms' weights ended when BERT was published, and today."""

_TIED = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
"""Weights that are the same as others where a file doesn't hold them."""


def read(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> tuple[BertEncoder, MLMHead] | None:
    """The encoder and head of a checkpoint; None where it is not in every point a BERT with its head: transformers says
    then what it is, or what it lacks."""
    config = json.loads((checkpoint.path / "config.json").read_text(encoding="utf-8"))
    if not _is_plain(config):
        return None
    with ExitStack() as files:
        weights = _Weights(checkpoint, files, device, dtype)
        if any(weights.shape(name) != shape for name, shape in _shapes(config)):
            return None
        encoder = _encoder(weights, config)
        return encoder, _head(weights, config, encoder.words)


def _is_plain(config: Mapping[str, Any]) -> bool:
    """Whether a configuration says nothing but BERT's sizes and one of the common activations."""
    sizes = [config.get(name) for name in _SIZES]
    return (
        config["model_type"] == "bert"
        and all(type(size) is int and size > 0 for size in sizes)
        and config["hidden_size"] % config["num_attention_heads"] == 0
        and config.get("hidden_act") in _ACTIVATIONS
        and isinstance(config.get("layer_norm_eps"), float)
        and config.get("position_embedding_type", "absolute") == "absolute"
        and config.get("tie_word_embeddings", True) is True
        and not config.get("is_decoder")
        and "quantization_config" not in config
    )


def _shapes(config: Mapping[str, Any]) -> Iterator[tuple[str, list[int]]]:
    """The weights that a BERT has, and their shapes."""
    vocabulary, positions, types, size, between, layers, _ = (config[name] for name in _SIZES)
    for name, rows in (("word", vocabulary), ("position", positions), ("token_type", types)):
        yield f"bert.embeddings.{name}_embeddings.weight", [rows, size]
    norms, squares = ["bert.embeddings.LayerNorm"], ["cls.predictions.transform.dense"]
    for n in range(layers):
        layer = f"bert.encoder.layer.{n}"
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
        squares += [f"{layer}.attention.self.{part}" for part in ("query", "key", "value")]
        squares.append(f"{layer}.attention.output.dense")
        yield f"{layer}.intermediate.dense.weight", [between, size]
        yield f"{layer}.intermediate.dense.bias", [between]
        yield f"{layer}.output.dense.weight", [size, between]
        yield f"{layer}.output.dense.bias", [size]
    for norm in (*norms, "cls.predictions.transform.LayerNorm"):
        yield f"{norm}.weight", [size]
        yield f"{norm}.bias", [size]
    for square in squares:
        yield f"{square}.weight", [size, size]
        yield f"{square}.bias", [size]
    yield "cls.predictions.decoder.weight", [vocabulary, size]
    yield "cls.predictions.decoder.bias", [vocabulary]


class _Weights:
    """The weights in a checkpoint's files, by the names that they have today; none is read before it is asked for."""

    def __init__(self, checkpoint: Checkpoint, files: ExitStack, device: torch.device, dtype: torch.dtype) -> None:
        self._device, self._dtype = device, dtype
        self._homes: dict[str, tuple[Any, str]] = {}
        for path in weight_files(checkpoint.path, checkpoint.name):
            file: Any = files.enter_context(safe_open(path, framework="pt"))
            for name in file.keys():  # noqa: SIM118 - no mapping
                stem, dot, end = name.rpartition(".")
                self._homes[stem + _FORMER.get(dot + end, dot + end)] = file, name
        self.tied = {name for name, other in _TIED.items() if name not in self._homes and other in self._homes}
        self._homes.update({name: self._homes[_TIED[name]] for name in self.tied})

    def shape(self, name: str) -> list[int] | None:
        """The shape of a weight; None where it is missing."""
        file, own = self._homes.get(name, (None, name))
        return list(file.get_slice(own).get_shape()) if file is not None else None

    def __getitem__(self, name: str) -> Tensor:
        file, own = self._homes[name]
        tensor: Tensor = file.get_tensor(own)
        return tensor.to(self._device, self._dtype)

    def kept(self, name: str) -> Tensor:
        """A weight that isn't laid out anew: copied, because one tensor of a file keeps all of it in memory."""
        return self[name].clone()

    def linear(self, *names: str) -> Linear:
        """Linear layers of the same inputs in one, with their outputs side by side."""
        weights = torch.cat([self[f"{name}.weight"] for name in names])
        return Linear.of(weights, torch.cat([self[f"{name}.bias"] for name in names]))

    def norm(self, name: str, config: Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
        return partial(
            layer_norm,
            normalized_shape=[config["hidden_size"]],
            weight=self.kept(f"{name}.weight"),
            bias=self.kept(f"{name}.bias"),
            eps=config["layer_norm_eps"],
        )


def _encoder(weights: _Weights, config: Mapping[str, Any]) -> BertEncoder:
    return BertEncoder(
        words=weights.kept("bert.embeddings.word_embeddings.weight"),
        positions=weights.kept("bert.embeddings.position_embeddings.weight"),
        segment=weights["bert.embeddings.token_type_embeddings.weight"][0].clone(),
        norm=weights.norm("bert.embeddings.LayerNorm", config),
        layers=tuple(_layer(weights, config, f"bert.encoder.layer.{n}") for n in range(config["num_hidden_layers"])),
        heads=config["num_attention_heads"],
    )


def _layer(weights: _Weights, config: Mapping[str, Any], name: str) -> Layer:
    return Layer(
        query_key_value=weights.linear(*(f"{name}.attention.self.{part}" for part in ("query", "key", "value"))),
        attended=weights.linear(f"{name}.attention.output.dense"),
        attended_norm=weights.norm(f"{name}.attention.output.LayerNorm", config),
        intermediate=_activated(weights.linear(f"{name}.intermediate.dense"), config),
        output=weights.linear(f"{name}.output.dense"),
        output_norm=weights.norm(f"{name}.output.LayerNorm", config),
    )


def _head(weights: _Weights, config: Mapping[str, Any], words: Tensor) -> MLMHead:
    decoder = "cls.predictions.decoder.weight"
    return MLMHead(
        dense=_activated(weights.linear("cls.predictions.transform.dense"), config),
        norm=weights.norm("cls.predictions.transform.LayerNorm", config),
        decoder=Linear.of(
            words if decoder in weights.tied else weights.kept(decoder),
            weights.kept("cls.predictions.decoder.bias"),
        ),
    )


def _activated(linear: Linear, config: Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
    """The activation of a linear layer, in one pass where it is BERT's own."""
    if config["hidden_act"] == "gelu":
        return linear.gelu
    activation = _ACTIVATIONS[config["hidden_act"]]
    return lambda inputs: activation(linear(inputs))
