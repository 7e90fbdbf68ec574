"""The model that users hold: a masked language model with the functions of this library as methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from . import hidden_states, inspection, joint_fill, masking, model, pairs, prediction, scoring, substitution, surprisal
from . import targets as target_scores


@dataclass(frozen=True, slots=True, eq=False)
class MaskedLM(model.LoadedModel):
    """A masked language model in evaluation mode, with its tokenizer and the functions of this library as methods.

    ``model.predict(text)`` is ``mlm.predict(model, text)``. A model can be pickled: it is loaded again where it is
    unpickled, with the arguments of :func:`~fillmask_ls.mlm.loading.load`.

    Attributes:
        source: the function that loads the model again, and its arguments.
    """

    source: tuple[Any, ...] = field(repr=False, default=())

    predict = prediction.predict
    predict_stream = prediction.predict.stream
    fill = prediction.fill
    fill_jointly = joint_fill.fill_jointly
    cloze = target_scores.cloze
    cloze_stream = target_scores.cloze.stream
    rank_targets = target_scores.rank_targets
    substitutes = substitution.substitutes
    score = scoring.score
    score_stream = scoring.score.stream
    conditional = scoring.conditional
    minimal_pairs = pairs.minimal_pairs
    word_surprisals = surprisal.word_surprisals
    inspect = inspection.inspect
    sample_mask_spans = masking.sample_mask_spans
    forward = hidden_states.forward
    __call__ = hidden_states.forward

    def __repr__(self) -> str:
        return f"MaskedLM({self.name!r}, device={str(self.device)!r}, dtype={self.dtype})"

    def __reduce__(self) -> tuple[Any, ...]:
        load, *arguments = self.source
        return _load_again, (load, tuple(arguments), self.temperature)


def _load_again(load: Callable[..., MaskedLM], arguments: tuple[Any, ...], temperature: float) -> MaskedLM:
    return replace(load(*arguments), temperature=temperature)
