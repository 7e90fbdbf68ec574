"""Read a BERT's or MPNet's encoder and head from a checkpoint's files, without importing transformers.

An MPNet is a BERT with a relative position bias and without segments; its weights are read by BERT's names.
"""

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
from .relative_positions import bias_by_distance
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
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
)

_OWN_SIZE = {"bert": "type_vocab_size", "mpnet": "relative_attention_num_buckets"}
"""The size that only one of the architectures has."""

_CURRENT_SUFFIX = {".gamma": ".weight", ".beta": ".bias"}
"""Suffixes of layer norms' weights when BERT was published, and today's."""

_MPNET_NAMES = {
    "mpnet.": "bert.",
    ".attention.attn.q.": ".attention.self.query.",
    ".attention.attn.k.": ".attention.self.key.",
    ".attention.attn.v.": ".attention.self.value.",
    ".attention.attn.o.": ".attention.output.dense.",
    ".attention.LayerNorm.": ".attention.output.LayerNorm.",
    "lm_head.dense.": "cls.predictions.transform.dense.",
    "lm_head.layer_norm.": "cls.predictions.transform.LayerNorm.",
    "lm_head.": "cls.predictions.",
}
"""Parts of the names of MPNet's weights, and of BERT's."""

_MPNET_PADDING = 1
"""The id of the token that MPNet doesn't count in positions, whatever the tokenizer's padding token is."""

_POSITION_BIAS = "bert.encoder.relative_attention_bias.weight"

_TIED = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
"""Weights that are tied to others if a file doesn't contain them."""


def read_bert(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> tuple[BertEncoder, MLMHead] | None:
    """Read a BERT or MPNet with a masked-language-model head.

    Returns:
        The encoder and the head; None for any other checkpoint, which transformers then loads or refuses.
    """
    config = json.loads((checkpoint.path / "config.json").read_text(encoding="utf-8"))
    if not _is_plain(config):
        return None
    with ExitStack() as files:
        weights = _Weights(checkpoint, files, device, dtype)
        if any(weights.shape(name) != shape for name, shape in _shapes(config)):
            return None
        encoder = _encoder(weights, config)
        return encoder, _head(weights, config, encoder.word_embeddings)


def _is_plain(config: Mapping[str, Any]) -> bool:
    """Return whether a configuration is BERT's or MPNet's, with one of the common activations and nothing unusual."""
    sizes = [config.get(name) for name in (*_SIZES, _OWN_SIZE.get(config["model_type"], ""))]
    return (
        config["model_type"] in _OWN_SIZE
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
    """Yield the names and shapes of the weights, by BERT's names."""
    vocabulary, positions, size, intermediate, layers, heads = (config[name] for name in _SIZES)
    for name, rows in (("word", vocabulary), ("position", positions)):
        yield f"bert.embeddings.{name}_embeddings.weight", [rows, size]
    if config["model_type"] == "bert":
        yield "bert.embeddings.token_type_embeddings.weight", [config["type_vocab_size"], size]
    else:
        yield _POSITION_BIAS, [config["relative_attention_num_buckets"], heads]
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


def _bert_name(name: str) -> str:
    if name.startswith(("mpnet.", "lm_head.")):
        for theirs, ours in _MPNET_NAMES.items():
            name = name.replace(theirs, ours)
    return name


class _Weights:
    """The weights in a checkpoint's files by today's names, read on access."""

    def __init__(self, checkpoint: Checkpoint, files: ExitStack, device: torch.device, dtype: torch.dtype) -> None:
        self._device, self._dtype = device, dtype
        self._stored = StoredWeights(weight_files(checkpoint.path, checkpoint.name), files)
        self._stored_names: dict[str, str] = {}
        for name in self._stored.names:
            stem, dot, end = _bert_name(name).rpartition(".")
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
    positions = weights.load_owned("bert.embeddings.position_embeddings.weight")
    if config["model_type"] == "bert":
        segment = weights["bert.embeddings.token_type_embeddings.weight"][0].clone()
        bias, padding_id = None, -1
    else:
        segment = torch.zeros_like(positions[0])
        bias, padding_id = bias_by_distance(weights[_POSITION_BIAS], len(positions)), _MPNET_PADDING
    return BertEncoder(
        word_embeddings=weights.load_owned("bert.embeddings.word_embeddings.weight"),
        position_embeddings=positions,
        segment_embedding=segment,
        norm=weights.norm("bert.embeddings.LayerNorm", config),
        layers=tuple(
            _layer(weights, config, f"bert.encoder.layer.{number}") for number in range(config["num_hidden_layers"])
        ),
        heads=config["num_attention_heads"],
        position_bias=bias,
        padding_id=padding_id,
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
