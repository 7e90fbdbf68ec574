"""Read BERT's encoder and head from a checkpoint's files, without importing transformers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, relu

from .checkpoint import Checkpoint, weight_files
from .encoder import BertEncoder, Layer
from .head import MLMHead
from .linear import Linear
from .stored_weights import StoredWeights

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

_CURRENT_SUFFIX = {".gamma": ".weight", ".beta": ".bias"}
"""Suffixes of layer norms' weights when BERT was published, and today's."""

_TIED = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
"""Weights that are tied to others if a file doesn't contain them."""


def read_bert(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> tuple[BertEncoder, MLMHead] | None:
    """Read a BERT with a masked-language-model head.

    Returns:
        The encoder and the head; None for any other checkpoint, which transformers then loads or refuses.
    """
    config = json.loads((checkpoint.path / "config.json").read_text(encoding="utf-8"))
    if not _is_plain_bert(config):
        return None
    with ExitStack() as files:
        weights = _Weights(checkpoint, files, device, dtype)
        if any(weights.shape(name) != shape for name, shape in _shapes(config)):
            return None
        encoder = _encoder(weights, config)
        return encoder, _head(weights, config, encoder.word_embeddings)


def _is_plain_bert(config: Mapping[str, Any]) -> bool:
    """Return whether a configuration is BERT's, with one of the common activations and nothing unusual."""
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
    """Yield the names and shapes of a BERT's weights."""
    vocabulary, positions, types, size, intermediate, layers, _ = (config[name] for name in _SIZES)
    for name, rows in (("word", vocabulary), ("position", positions), ("token_type", types)):
        yield f"bert.embeddings.{name}_embeddings.weight", [rows, size]
    norms, squares = ["bert.embeddings.LayerNorm"], ["cls.predictions.transform.dense"]
    for number in range(layers):
        layer = f"bert.encoder.layer.{number}"
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
        squares += [f"{layer}.attention.self.{part}" for part in ("query", "key", "value")]
        squares.append(f"{layer}.attention.output.dense")
        yield f"{layer}.intermediate.dense.weight", [intermediate, size]
        yield f"{layer}.intermediate.dense.bias", [intermediate]
        yield f"{layer}.output.dense.weight", [size, intermediate]
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
    """The weights in a checkpoint's files by today's names, read on access."""

    def __init__(self, checkpoint: Checkpoint, files: ExitStack, device: torch.device, dtype: torch.dtype) -> None:
        self._device, self._dtype = device, dtype
        self._stored = StoredWeights(weight_files(checkpoint.path, checkpoint.name), files)
        self._stored_names: dict[str, str] = {}
        for name in self._stored.names:
            stem, dot, end = name.rpartition(".")
            self._stored_names[stem + _CURRENT_SUFFIX.get(dot + end, dot + end)] = name
        names = self._stored_names
        self.tied = {name for name, other in _TIED.items() if name not in names and other in names}
        names.update({name: names[_TIED[name]] for name in self.tied})

    def shape(self, name: str) -> list[int] | None:
        """Return the shape of a weight; None if it is missing."""
        return self._stored.shape(self._stored_names[name]) if name in self._stored_names else None

    def __getitem__(self, name: str) -> Tensor:
        return self._stored[self._stored_names[name]].to(self._device, self._dtype)

    def load_owned(self, name: str) -> Tensor:
        """Return a copy of a weight, because one mapped tensor keeps the whole file in memory."""
        return self[name].clone()

    def linear(self, *names: str) -> Linear:
        """Return linear layers with the same inputs as one layer, with their outputs side by side."""
        weight = torch.cat([self[f"{name}.weight"] for name in names])
        return Linear.pack(weight, torch.cat([self[f"{name}.bias"] for name in names]))

    def norm(self, name: str, config: Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
        """Return a layer norm."""
        return partial(
            layer_norm,
            normalized_shape=[config["hidden_size"]],
            weight=self.load_owned(f"{name}.weight"),
            bias=self.load_owned(f"{name}.bias"),
            eps=config["layer_norm_eps"],
        )


def _encoder(weights: _Weights, config: Mapping[str, Any]) -> BertEncoder:
    return BertEncoder(
        word_embeddings=weights.load_owned("bert.embeddings.word_embeddings.weight"),
        position_embeddings=weights.load_owned("bert.embeddings.position_embeddings.weight"),
        segment_embedding=weights["bert.embeddings.token_type_embeddings.weight"][0].clone(),
        norm=weights.norm("bert.embeddings.LayerNorm", config),
        layers=tuple(
            _layer(weights, config, f"bert.encoder.layer.{number}") for number in range(config["num_hidden_layers"])
        ),
        heads=config["num_attention_heads"],
    )


def _layer(weights: _Weights, config: Mapping[str, Any], name: str) -> Layer:
    return Layer(
        query_key_value=weights.linear(*(f"{name}.attention.self.{part}" for part in ("query", "key", "value"))),
        attention_output=weights.linear(f"{name}.attention.output.dense"),
        attention_norm=weights.norm(f"{name}.attention.output.LayerNorm", config),
        intermediate=_with_activation(weights.linear(f"{name}.intermediate.dense"), config),
        output=weights.linear(f"{name}.output.dense"),
        output_norm=weights.norm(f"{name}.output.LayerNorm", config),
    )


def _head(weights: _Weights, config: Mapping[str, Any], word_embeddings: Tensor) -> MLMHead:
    decoder = "cls.predictions.decoder.weight"
    return MLMHead(
        dense=_with_activation(weights.linear("cls.predictions.transform.dense"), config),
        norm=weights.norm("cls.predictions.transform.LayerNorm", config),
        decoder=Linear.pack(
            word_embeddings if decoder in weights.tied else weights.load_owned(decoder),
            weights.load_owned("cls.predictions.decoder.bias"),
        ),
    )


def _with_activation(linear: Linear, config: Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
    """Return a linear layer with its activation, in one pass for BERT's own."""
    if config["hidden_act"] == "gelu":
        return linear.gelu
    activation = _ACTIVATIONS[config["hidden_act"]]
    return lambda inputs: activation(linear(inputs))
