"""Masked language modeling without an editor: load, tokenize, mask, predict, score.

Names are imported on first use, because importing torch takes over a second.

>>> from fillmask_ls import mlm
>>> model = mlm.load("embedded")
>>> model.predict("The patient was taken to the [MASK] by ambulance.")[0].candidates[0].text
'hospital'

A function takes one text or many: :func:`predict` with a ``str`` returns one result, with any other iterable of strings
a :class:`Results` with one for each; all texts share forward passes. Each function is also a method of the model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checkpoint import CheckpointError, resolve
    from .collator import MaskingCollator
    from .head import MLMHead
    from .hidden_states import ForwardOutput, forward
    from .inspection import inspect
    from .joint_fill import fill_jointly
    from .likelihood import cross_entropy, perplexity
    from .loading import load
    from .masked_lm import MaskedLM
    from .masking import mask_80_10_10, mask_all, sample_mask, sample_mask_spans, seeded_generator
    from .pairs import minimal_pairs
    from .paradigms import MinimalPairs, PairScore, ParadigmScore
    from .prediction import fill, predict
    from .records import Result, Results
    from .results import (
        Candidate,
        InspectedToken,
        Inspection,
        JointFill,
        Prediction,
        Score,
        TargetScore,
        TokenCandidate,
        TokenScore,
        WordSurprisal,
    )
    from .scoring import conditional, score
    from .substitution import substitutes
    from .surprisal import word_surprisals
    from .targets import cloze, rank_targets
    from .tokenization import Encoding, Tokenizer

    cloze_stream = cloze.stream
    predict_stream = predict.stream
    score_stream = score.stream

_MODULES = {
    "Candidate": "results",
    "CheckpointError": "checkpoint",
    "Encoding": "tokenization",
    "ForwardOutput": "hidden_states",
    "InspectedToken": "results",
    "Inspection": "results",
    "JointFill": "results",
    "MLMHead": "head",
    "MaskedLM": "masked_lm",
    "MaskingCollator": "collator",
    "MinimalPairs": "paradigms",
    "PairScore": "paradigms",
    "ParadigmScore": "paradigms",
    "Prediction": "results",
    "Result": "records",
    "Results": "records",
    "Score": "results",
    "TargetScore": "results",
    "TokenCandidate": "results",
    "TokenScore": "results",
    "Tokenizer": "tokenization",
    "WordSurprisal": "results",
    "cloze": "targets",
    "conditional": "scoring",
    "cross_entropy": "likelihood",
    "fill": "prediction",
    "fill_jointly": "joint_fill",
    "forward": "hidden_states",
    "inspect": "inspection",
    "load": "loading",
    "mask_80_10_10": "masking",
    "mask_all": "masking",
    "minimal_pairs": "pairs",
    "perplexity": "likelihood",
    "predict": "prediction",
    "rank_targets": "targets",
    "resolve": "checkpoint",
    "sample_mask": "masking",
    "sample_mask_spans": "masking",
    "score": "scoring",
    "seeded_generator": "masking",
    "substitutes": "substitution",
    "word_surprisals": "surprisal",
}
"""The module of each public name. No module has the name of a function: the import would shadow it."""

_STREAMS = {"cloze_stream": "cloze", "predict_stream": "predict", "score_stream": "score"}
"""The functions whose ``stream`` has a name of its own."""

__all__ = [
    "Candidate",
    "CheckpointError",
    "Encoding",
    "ForwardOutput",
    "InspectedToken",
    "Inspection",
    "JointFill",
    "MLMHead",
    "MaskedLM",
    "MaskingCollator",
    "MinimalPairs",
    "PairScore",
    "ParadigmScore",
    "Prediction",
    "Result",
    "Results",
    "Score",
    "TargetScore",
    "TokenCandidate",
    "TokenScore",
    "Tokenizer",
    "WordSurprisal",
    "cloze",
    "cloze_stream",
    "conditional",
    "cross_entropy",
    "fill",
    "fill_jointly",
    "forward",
    "inspect",
    "load",
    "mask_80_10_10",
    "mask_all",
    "minimal_pairs",
    "perplexity",
    "predict",
    "predict_stream",
    "rank_targets",
    "resolve",
    "sample_mask",
    "sample_mask_spans",
    "score",
    "score_stream",
    "seeded_generator",
    "substitutes",
    "word_surprisals",
]


def __getattr__(name: str) -> Any:
    if name in _STREAMS:
        return __getattr__(_STREAMS[name]).stream
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
