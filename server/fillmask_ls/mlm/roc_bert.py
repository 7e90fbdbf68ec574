"""The inputs of RoCBert besides token ids: how each token looks and how it is pronounced (Su et al. 2022)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .checkpoint import CheckpointError
from .tokenization import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_FILES = {"input_shape_ids": "word_shape.json", "input_pronunciation_ids": "word_pronunciation.json"}
"""The file with the values of each input, by token."""

_UNKNOWN = "[UNK]"


def add_inputs(network: PreTrainedModel, tokenizer: Tokenizer, folder: Path) -> None:
    """Give the network of a RoCBert its other inputs whenever it gets token ids; other networks stay as they are.

    Args:
        network: the network, which is changed.
        tokenizer: its tokenizer.
        folder: the checkpoint's folder.

    Raises:
        CheckpointError: a file with the values is missing or damaged.
    """
    if network.config.model_type != "roc_bert":
        return
    around = {tokenizer.vocabulary[id] for id in tokenizer.encode("").ids}
    tables = {name: _read_table(folder / file, tokenizer.vocabulary, around) for name, file in _FILES.items()}

    def add(_network: object, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        input_ids: Tensor = kwargs["input_ids"]
        return args, {**kwargs, **{name: table.to(input_ids.device)[input_ids] for name, table in tables.items()}}

    network.register_forward_pre_hook(add, with_kwargs=True)


def _read_table(file: Path, vocabulary: Sequence[str], around: set[str]) -> Tensor:
    """Return the value of every token id; special tokens around a text count as unknown."""
    try:
        values: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))
        unknown = values[_UNKNOWN]
        return torch.tensor([unknown if token in around else values.get(token, unknown) for token in vocabulary])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{file}, which a RoCBert needs, can't be read: {error}.") from error
