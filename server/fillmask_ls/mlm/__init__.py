"""Masked language modeling without an editor: load, tokenize, mask, predict, score.

Names are imported on first use, because importing torch takes over a second.

>>> from fillmask_ls import mlm
>>> model = mlm.load("embedded")
>>> mlm.predict(model, "The patient was taken to the [MASK] by ambulance.")[0].candidates[0].text
'hospital'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checkpoint import CheckpointError, resolve
    from .head import MLMHead
    from .hidden_states import forward
    from .inspection import inspect
    from .joint_fill import fill_jointly
    from .likelihood import cross_entropy, perplexity
    from .loading import load
    from .masking import mask_80_10_10, mask_all, sample_mask, sample_mask_spans
    from .model import MaskedLM
    from .prediction import fill, predict
    from .scoring import score
    from .substitution import substitutes
    from .surprisal import word_surprisals
    from .targets import rank_targets
    from .tokenization import Encoding, Tokenizer

_MODULES = {
    "CheckpointError": "checkpoint",
    "Encoding": "tokenization",
    "MLMHead": "head",
    "MaskedLM": "model",
    "Tokenizer": "tokenization",
    "cross_entropy": "likelihood",
    "fill": "prediction",
    "fill_jointly": "joint_fill",
    "forward": "hidden_states",
    "inspect": "inspection",
    "load": "loading",
    "mask_80_10_10": "masking",
    "mask_all": "masking",
    "perplexity": "likelihood",
    "predict": "prediction",
    "rank_targets": "targets",
    "resolve": "checkpoint",
    "sample_mask": "masking",
    "sample_mask_spans": "masking",
    "score": "scoring",
    "substitutes": "substitution",
    "word_surprisals": "surprisal",
}
"""The module of each public name. No module has the name of a function: the import would shadow it."""

__all__ = [
    "CheckpointError",
    "Encoding",
    "MLMHead",
    "MaskedLM",
    "Tokenizer",
    "cross_entropy",
    "fill",
    "fill_jointly",
    "forward",
    "inspect",
    "load",
    "mask_80_10_10",
    "mask_all",
    "perplexity",
    "predict",
    "rank_targets",
    "resolve",
    "sample_mask",
    "sample_mask_spans",
    "score",
    "substitutes",
    "word_surprisals",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
