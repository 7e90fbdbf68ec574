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
    from .joint import fill_jointly
    from .masking import choose, chosen_spans, mask_for_training, mask_plainly
    from .model import MaskedLM, load
    from .prediction import fill, predict
    from .replacement import replacements
    from .scoring import cross_entropy, forward, perplexity, score
    from .surprise import surprises
    from .targets import rank_targets
    from .tokenization import Encoding, Tokenizer

_HOMES = {
    "CheckpointError": "checkpoint",
    "Encoding": "tokenization",
    "MLMHead": "head",
    "MaskedLM": "model",
    "Tokenizer": "tokenization",
    "choose": "masking",
    "chosen_spans": "masking",
    "cross_entropy": "scoring",
    "fill": "prediction",
    "fill_jointly": "joint",
    "forward": "scoring",
    "inspect": "inspection",
    "load": "model",
    "mask_for_training": "masking",
    "mask_plainly": "masking",
    "perplexity": "scoring",
    "predict": "prediction",
    "rank_targets": "targets",
    "replacements": "replacement",
    "resolve": "checkpoint",
    "score": "scoring",
    "surprises": "surprise",
}

__all__ = [
    "CheckpointError",
    "Encoding",
    "MLMHead",
    "MaskedLM",
    "Tokenizer",
    "choose",
    "chosen_spans",
    "cross_entropy",
    "fill",
    "fill_jointly",
    "forward",
    "inspect",
    "load",
    "mask_for_training",
    "mask_plainly",
    "perplexity",
    "predict",
    "rank_targets",
    "replacements",
    "resolve",
    "score",
    "surprises",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
