"""Masked language modelling without an editor: load, tokenise, mask, predict, score.

    from fillmask_ls import mlm
    model = mlm.load()
    mlm.predict(model, "Paris is the capital of [MASK].")

Names are looked up on first use, because torch takes over a second to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checkpoint import CheckpointError, resolve
    from .head import MLMHead
    from .inspection import inspect
    from .joint_fill import fill_jointly
    from .masking import mask_80_10_10, mask_all, sample_mask, sample_mask_spans
    from .model import MaskedLM, load
    from .prediction import fill, predict
    from .scoring import cross_entropy, forward, perplexity, score
    from .substitution import substitutes
    from .surprisal import word_surprisals
    from .targets import rank_targets
    from .tokenization import Encoding, Tokenizer

_HOMES = {
    "CheckpointError": "checkpoint",
    "Encoding": "tokenization",
    "MLMHead": "head",
    "MaskedLM": "model",
    "Tokenizer": "tokenization",
    "sample_mask": "masking",
    "sample_mask_spans": "masking",
    "cross_entropy": "scoring",
    "fill": "prediction",
    "fill_jointly": "joint_fill",
    "forward": "scoring",
    "inspect": "inspection",
    "load": "model",
    "mask_80_10_10": "masking",
    "mask_all": "masking",
    "perplexity": "scoring",
    "predict": "prediction",
    "rank_targets": "targets",
    "substitutes": "substitution",
    "resolve": "checkpoint",
    "score": "scoring",
    "word_surprisals": "surprisal",
}

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
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
