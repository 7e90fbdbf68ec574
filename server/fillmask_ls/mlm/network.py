"""The network that transformers builds, for any other architecture than BERT's and MPNet's."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_MASKED_LM_MAPPING,
    AutoConfig,
    AutoModelForMaskedLM,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.utils import logging as transformers_logging

from .architectures import PADDING_INVARIANT, REFUSED
from .checkpoint import Checkpoint, CheckpointError, weight_files
from .stored_weights import read_quantized

_POSITION_TABLES = ("position_embeddings", "embed_positions")
"""Names of the tables of learned positions."""

_selected: ContextVar[tuple[Tensor, Tensor] | None] = ContextVar("selected", default=None)
"""The rows and columns that the decoder computes in the current forward pass; None for all."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network of transformers, in evaluation mode.

    Attributes:
        module: the network.
        is_padding_invariant: whether rows of several lengths can share a forward pass.
        pad_id: the id of the token that pads rows.
    """

    module: PreTrainedModel
    is_padding_invariant: bool
    pad_id: int

    @property
    def embeddings(self) -> Tensor:
        """The token embeddings [vocabulary, h]."""
        weight = getattr(self.module.get_input_embeddings(), "weight", None)
        if weight is None:  # Perceiver names the table of its latents
            weight = next(part.weight for part in self.module.modules() if isinstance(part, nn.Embedding))
        return cast("Tensor", weight)

    def logits(self, input_ids: Tensor, positions: Tensor, attention_mask: Tensor | None) -> Tensor:
        """Compute the logits at some positions.

        Args:
            input_ids: int64 [b, n].
            positions: int64 [m], each ``row * n + position``.
            attention_mask: bool [b, n], False where a row is padded; None if no row is.

        Returns:
            Logits [m, vocabulary].
        """
        selected = positions // input_ids.shape[1], positions % input_ids.shape[1]
        token = _selected.set(selected)
        try:
            logits: Tensor = self._run(input_ids, attention_mask).logits
        finally:
            _selected.reset(token)
        return logits if logits.dim() == 2 else logits[selected]  # not every network calls its decoder as a module

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None, output_attentions: bool = False
    ) -> tuple[Tensor, tuple[Tensor, ...], tuple[Tensor, ...] | None]:
        """Compute the logits [b, n, vocabulary] at all positions, the hidden states and, if asked, the attention weights.

        Returns:
            The logits; the embeddings' output, then each layer's, each [b, n, h]; the weights of each layer's heads, each
            [b, heads, n, n], or None. States and weights of an encoder-decoder are its decoder's. A network that shortens
            its input in some layers has fewer than ``n`` positions there.
        """
        implementation = self.module.config._attn_implementation
        if output_attentions:
            self.module.set_attn_implementation("eager")  # others keep no weights
        try:
            output = self._run(
                input_ids, attention_mask, output_hidden_states=True, output_attentions=output_attentions
            )
        finally:
            if output_attentions:
                self.module.set_attn_implementation(implementation)
        states = output.get("hidden_states") or output.get("decoder_hidden_states") or ()
        attentions = output.get("attentions") or output.get("decoder_attentions")
        return output.logits[:, : input_ids.shape[1]], tuple(states), attentions

    def _run(self, input_ids: Tensor, attention_mask: Tensor | None, **options: Any) -> Any:
        _reset_big_bird(self.module, input_ids.shape[1])
        mask = None if attention_mask is None else attention_mask.long()
        with silence_transformers():
            return self.module(input_ids=input_ids, attention_mask=mask, **options)

    def in_float32(self) -> Network:
        """Return a copy that computes in float32."""
        return replace(self, module=deepcopy(self.module).float())  # type: ignore[no-untyped-call]

    def max_positions(self) -> int | None:
        """Return the number of tokens that the network has positions for; None if it has no limit."""
        limits = [getattr(self.module.config.get_text_config(), "max_position_embeddings", None)]
        for name, module in self.module.named_modules():
            if name.rpartition(".")[2] in _POSITION_TABLES and isinstance(getattr(module, "weight", None), Tensor):
                padding = getattr(module, "padding_idx", None)  # RoBERTa's positions start after the padding's
                limits.append(len(module.weight) - (0 if padding is None else padding + 1))
        return min((limit for limit in limits if isinstance(limit, int) and limit > 0), default=None)


def build(checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> Network:
    """Build the network and load its weights.

    Raises:
        CheckpointError: the checkpoint can't be loaded, or has no masked-language-model head.
    """
    name = checkpoint.name
    try:
        with silence_transformers():
            config = AutoConfig.from_pretrained(checkpoint.path, local_files_only=True, trust_remote_code=False)
            _refuse(config.model_type, name)
            _read_missing_positions(config, checkpoint)
            weights = read_quantized(weight_files(checkpoint.path, name))
            architecture: Any = AutoModelForMaskedLM if weights is None else MODEL_FOR_MASKED_LM_MAPPING[type(config)]
            module, report = architecture.from_pretrained(
                checkpoint.path if weights is None else None,
                config=config,
                state_dict=weights,
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
    except CheckpointError:
        raise
    except Exception as error:  # transformers raises errors of every kind
        reason = str(error).strip().splitlines()[0]
        if "ignore_mismatched_sizes" in reason:  # transformers logs the sizes and raises without them
            reason = "its weights have other sizes than its config.json says."
        raise CheckpointError(f"model {name!r} can't be loaded as a masked language model: {reason}") from error
    for weight, in_file, by_config in sorted(report["mismatched_keys"]):
        raise CheckpointError(
            f"model {name!r}: its config.json doesn't fit its weights: {weight} is {list(in_file)} in the file, and "
            f"{list(by_config)} by the configuration."
        )
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise CheckpointError(
            f"model {name!r} has no masked-language-model head, or is damaged: its weights lack {missing[0]}"
            + (f" and {len(missing) - 1} more" if len(missing) > 1 else "")
            + ". Choose a model that was trained for fill-mask."
        )
    built: PreTrainedModel = module.eval().requires_grad_(False).to(device)
    _copy_mapped_weights(built)
    return wrap(built)


def _read_missing_positions(config: PreTrainedConfig, checkpoint: Checkpoint) -> None:
    """Count the positions in the weights if the configuration doesn't say how many there are."""
    written = json.loads((checkpoint.path / "config.json").read_text(encoding="utf-8")).get("max_position_embeddings")
    if not hasattr(config, "max_position_embeddings") or (isinstance(written, int) and written > 0):
        return
    for path in weight_files(checkpoint.path, checkpoint.name):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - no mapping
                if name.endswith(f"{_POSITION_TABLES[0]}.weight"):
                    config.max_position_embeddings = file.get_slice(name).get_shape()[0]
                    return


def wrap(module: PreTrainedModel) -> Network:
    """Return a network of transformers as one that computes logits at some positions only.

    Raises:
        CheckpointError: its architecture can't work.
    """
    _refuse(module.config.model_type, module.name_or_path or type(module).__name__)
    decoder = module.get_output_embeddings()  # type: ignore[no-untyped-call]
    if isinstance(decoder, nn.Linear) and _select not in decoder._forward_pre_hooks.values():
        decoder.register_forward_pre_hook(_select)
    pad_id = getattr(module.config.get_text_config(), "pad_token_id", None) or 0
    return Network(module, module.config.model_type in PADDING_INVARIANT, pad_id)


def _refuse(model_type: str, name: str) -> None:
    if model_type in REFUSED:
        raise CheckpointError(f"model {name!r}: {model_type} is not supported, because {REFUSED[model_type]}.")


def _select(_decoder: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Pass only the selected hidden states [m, h] of [b, n, h] to the decoder, which is most of a small model's work."""
    selected = _selected.get()
    return (inputs[0][selected],) if selected is not None and inputs[0].dim() == 3 else None


def _reset_big_bird(module: PreTrainedModel, length: int) -> None:
    """Return BigBird to sparse attention for a long text, because from its first short text on it computes full attention."""
    config = module.config
    if config.model_type == "big_bird" and length > (5 + 2 * config.num_random_blocks) * config.block_size:
        base: Any = module.base_model
        base.set_attention_type(config.attention_type)


def _copy_mapped_weights(network: PreTrainedModel) -> None:
    """Copy weights that can be mapped pages of the file: writing to the file would change them or end the process."""
    for weights in (*network.parameters(), *network.buffers()):
        if weights.device.type == "cpu":
            weights.data = weights.data.clone()


@contextmanager
def silence_transformers() -> Iterator[None]:
    """Suppress transformers' progress bars and warnings; problems are raised as errors."""
    verbosity, bar = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bar:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
