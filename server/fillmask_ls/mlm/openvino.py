"""The network compiled by OpenVINO, an optional extra: the same logits from another library's kernels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertForMaskedLM, PreTrainedModel

from .checkpoint import CheckpointError


@dataclass(frozen=True, slots=True, eq=False)
class CompiledNetwork:
    """A network's logits, compiled for this machine's processor."""

    infer: Any

    @classmethod
    def of(cls, network: PreTrainedModel) -> CompiledNetwork:
        """Compile a network on the CPU; it is left as it was, and its weights are copied.

        Raises:
            CheckpointError: OpenVINO is not installed, the network is not on the CPU, or can't be compiled.
        """
        try:
            import openvino  # type: ignore[import-untyped]
        except ImportError as error:
            raise CheckpointError(
                f"runtime 'openvino' can't be used: {error}. Run pip install 'fillmask-ls[openvino]', or choose 'torch'."
            ) from error
        if network.device.type != "cpu":
            raise CheckpointError(
                f"runtime 'openvino' runs on the CPU, not on {network.device}. Choose device 'cpu', or runtime 'torch'."
            )
        ids, asked = torch.ones(2, 3, dtype=torch.long), torch.tensor([1, 4])
        try:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")  # the tracer's, of shapes that the converted network keeps open
                converted = openvino.convert_model(
                    _Asked(network),
                    example_input=(ids, torch.ones_like(ids), asked),
                    share_weights=False,  # those of the network may go
                    input=[openvino.PartialShape(shape) for shape in ([-1, -1], [-1, -1], [-1])],
                )
            precision = "bf16" if network.dtype == torch.bfloat16 else "f32"
            options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
            return cls(openvino.compile_model(converted, "CPU", options))
        except Exception as error:  # of every kind, by the network's architecture
            reason = str(error).strip().splitlines()[0]
            raise CheckpointError(f"runtime 'openvino' can't compile the model: {reason} Choose 'torch'.") from error

    def logits(self, ids: Tensor, asked: Tensor, present: Tensor | None) -> Tensor:
        """The logits [m, vocabulary] in float32 at the ``m`` positions that are asked for.

        Args:
            ids: int64 [b, n].
            asked: int64 [m], each ``row * n + position``.
            present: bool [b, n], false where a row is padded; None when no row is.
        """
        attention_mask = torch.ones_like(ids) if present is None else present.long()
        return torch.from_numpy(self.infer([ids.numpy(), attention_mask.numpy(), asked.numpy()])[0])


class _Asked(nn.Module):
    """A network whose decoder, where that can be told apart, sees only the positions that are asked for."""

    def __init__(self, network: PreTrainedModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor, attention_mask: Tensor, asked: Tensor) -> Tensor:
        if isinstance(self.network, BertForMaskedLM):
            hidden = self.network.bert(input_ids=ids, attention_mask=attention_mask).last_hidden_state
            logits: Tensor = self.network.cls(hidden.flatten(0, 1)[asked])
        else:
            logits = self.network(input_ids=ids, attention_mask=attention_mask).logits.flatten(0, 1)[asked]
        return logits.float()
