"""Compute logits with OpenVINO, an optional extra."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertForMaskedLM, PreTrainedModel

from .checkpoint import CheckpointError


@dataclass(frozen=True, slots=True, eq=False)
class CompiledNetwork:
    """A network compiled for this machine's processor.

    Attributes:
        infer: OpenVINO's compiled model.
    """

    infer: Any

    @classmethod
    def compile(cls, network: PreTrainedModel) -> CompiledNetwork:
        """Compile a network on the CPU. The network stays as is; its weights are copied.

        Raises:
            CheckpointError: OpenVINO is not installed, the network is not on the CPU, or can't be compiled.
        """
        try:
            # OpenVINO's converter reports each use to its maker if it can import this package; without it, to nobody.
            sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
            import openvino  # type: ignore[import-untyped]
        except ImportError as error:
            raise CheckpointError(
                f"runtime 'openvino' can't be used: {error}. Run pip install 'fillmask-ls[openvino]', or choose 'torch'."
            ) from error
        if network.device.type != "cpu":
            raise CheckpointError(
                f"runtime 'openvino' runs on the CPU, not on {network.device}. Choose device 'cpu', or runtime 'torch'."
            )
        input_ids, positions = torch.ones(2, 3, dtype=torch.long), torch.tensor([1, 4])
        try:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")  # the tracer warns about shapes, which stay dynamic
                converted = openvino.convert_model(
                    _AtPositions(network),
                    example_input=(input_ids, torch.ones_like(input_ids), positions),
                    share_weights=False,  # the network may be freed
                    input=[openvino.PartialShape(shape) for shape in ([-1, -1], [-1, -1], [-1])],
                )
            precision = "bf16" if network.dtype == torch.bfloat16 else "f32"
            options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
            return cls(openvino.compile_model(converted, "CPU", options))
        except Exception as error:  # its kind depends on the architecture
            reason = str(error).strip().splitlines()[0]
            raise CheckpointError(f"runtime 'openvino' can't compile the model: {reason} Choose 'torch'.") from error

    def logits(self, input_ids: Tensor, positions: Tensor, attention_mask: Tensor | None) -> Tensor:
        """Compute the logits at some positions.

        Args:
            input_ids: int64 [b, n].
            positions: int64 [m], each ``row * n + position``.
            attention_mask: bool [b, n], False where a row is padded; None if no row is.

        Returns:
            Logits [m, vocabulary] in float32.
        """
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask.long()
        return torch.from_numpy(self.infer([input_ids.numpy(), mask.numpy(), positions.numpy()])[0])


class _AtPositions(nn.Module):
    """A network that returns logits at some positions; a BERT's decoder sees only those."""

    def __init__(self, network: PreTrainedModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor, positions: Tensor) -> Tensor:
        if isinstance(self.network, BertForMaskedLM):
            hidden = self.network.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            logits: Tensor = self.network.cls(hidden.flatten(0, 1)[positions])
        else:
            logits = self.network(input_ids=input_ids, attention_mask=attention_mask).logits.flatten(0, 1)[positions]
        return logits.float()
