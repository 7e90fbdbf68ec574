"""Compute logits with OpenVINO, an optional extra."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .checkpoint import CheckpointError
from .network import Network


class CompileError(Exception):
    """OpenVINO can't compile a network."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledNetwork:
    """A network compiled for this machine's processor.

    Attributes:
        infer: OpenVINO's compiled model.
    """

    infer: Any

    @classmethod
    def compile(cls, network: Network) -> CompiledNetwork:
        """Compile a network on the CPU. The network stays as is; its weights are copied.

        Raises:
            CheckpointError: OpenVINO is not installed, or the network is not on the CPU.
            CompileError: the network can't be compiled.
        """
        try:
            # OpenVINO's converter reports each use to its maker if it can import this package; without it, to nobody.
            sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
            import openvino  # type: ignore[import-untyped]
        except ImportError as error:
            raise CheckpointError(
                f"runtime 'openvino' can't be used: {error}. Install fillmask-ls with its extra 'openvino', or choose 'torch'."
            ) from error
        if network.module.device.type != "cpu":
            raise CheckpointError(
                f"runtime 'openvino' runs on the CPU, not on {network.module.device}. Choose device 'cpu', or runtime 'torch'."
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
            precision = "bf16" if network.module.dtype == torch.bfloat16 else "f32"
            options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
            return cls(openvino.compile_model(converted, "CPU", options))
        except Exception as error:  # its kind depends on the architecture
            raise CompileError(str(error)) from error

    def logits(self, input_ids: Tensor, positions: Tensor, attention_mask: Tensor | None) -> Tensor:
        """Compute the logits at some positions in float32, as :meth:`~fillmask_ls.mlm.network.Network.logits`."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask.long()
        return torch.from_numpy(self.infer([input_ids.numpy(), mask.numpy(), positions.numpy()])[0])


class _AtPositions(nn.Module):
    """A network as a module that returns float32 logits at some positions."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.module, self._network = network.module, network

    def forward(self, input_ids: Tensor, attention_mask: Tensor, positions: Tensor) -> Tensor:
        return self._network.logits(input_ids, positions, attention_mask).float()
