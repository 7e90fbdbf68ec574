"""How good a masked language model is: loss, accuracy and calibration on text it was not trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fillmask_ls.mlm.forward_steps import ForwardStep, logits
from fillmask_ls.mlm.masking import sample_mask
from fillmask_ls.mlm.model import MaskedLM
from fillmask_ls.mlm.tokenization import Encoding
from fillmask_ls.presentation.percent import percent

from . import seed
from .passages import Document, TextError, documents, passages

BINS = 15


@dataclass(frozen=True, slots=True)
class Figures:
    """Over ``masks`` masked pieces.

    Attributes:
        loss: mean, in nats.
        top_1: the share (0 to 1) of masks where the right piece is the likeliest.
        top_5: where it is among the five likeliest.
        calibration_error: expected calibration error (0 to 1) of the likeliest piece's probability, in 15 bins of
            equal width (Guo et al. 2017).
    """

    masks: int
    loss: float
    top_1: float
    top_5: float
    calibration_error: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``seed_top_1`` and ``seed_top_5``: how many of the eleven masks of the notebook's paragraph are right."""

    model: str
    overall: Figures
    sources: dict[str, Figures]
    seed_top_1: int
    seed_top_5: int


def evaluate(
    model: MaskedLM, text: Path, sources: Mapping[str, int] | None = None, *, rate: float = 0.15, seed_number: int = 0
) -> Evaluation:
    """Mask ``rate`` of the pieces of ``text``, all as the mask token, and see what the model makes of them.

    Args:
        text: as for :func:`training.passages.documents`.
        sources: the number of documents of each source, in the order of the text; else all are one source.
        seed_number: of the choice of the masks; the same for the same tokenizer and seed.

    Raises:
        TextError: the text can't be read, or holds other than the documents that ``sources`` counts.
    """
    generator = torch.Generator().manual_seed(seed_number)
    encodings: list[Encoding] = []
    owners: list[str] = []
    for name, document in _with_source(text, sources):
        for passage in passages(document, model.tokenizer, min(128, model.tokenizer.max_length)):
            encodings.append(model.tokenizer.encode(passage, masks=()))
            owners.append(name)
    chosen = [sample_mask(encoding, rate, generator=generator) for encoding in encodings]
    answers = _answers(model, encodings, chosen)
    by_source = {
        name: _figures(torch.cat([answer for answer, owner in zip(answers, owners, strict=True) if owner == name]))
        for name in dict.fromkeys(owners)
    }
    top_1, top_5 = seed_right(model)
    return Evaluation(model.name, _figures(torch.cat(answers)), by_source, top_1, top_5)


def table(evaluations: Sequence[Evaluation], names: Sequence[str] = ()) -> list[list[str]]:
    """The figures as lines of cells: a heading of ``names`` or models, then a line a figure with a column a model."""
    overall = [evaluation.overall for evaluation in evaluations]
    return [
        ["", *(names or [evaluation.model for evaluation in evaluations])],
        ["masked loss, nats", *(f"{figures.loss:.3f}" for figures in overall)],
        ["top-1", *(percent(figures.top_1) for figures in overall)],
        ["top-5", *(percent(figures.top_5) for figures in overall)],
        ["expected calibration error", *(f"{figures.calibration_error:.3f}" for figures in overall)],
        ["the notebook's 11 masks: right at top-1", *(str(evaluation.seed_top_1) for evaluation in evaluations)],
        ["the notebook's 11 masks: right at top-5", *(str(evaluation.seed_top_5) for evaluation in evaluations)],
        *(
            [f"{name}: loss, top-1, top-5", *(_short(evaluation.sources[name]) for evaluation in evaluations)]
            for name in evaluations[0].sources
        ),
    ]


def _short(figures: Figures) -> str:
    return f"{figures.loss:.2f}, {percent(figures.top_1)}, {percent(figures.top_5)}"


def seed_right(model: MaskedLM) -> tuple[int, int]:
    """How many of the eleven masks of the notebook's paragraph are right at top-1, and how many at top-5.

    Where a tokenizer has several pieces for an answer, or one for more than it, all that touch it must be right. What
    a model is too short to read is wrong.
    """
    whole = model.tokenizer.encode(seed.PARAGRAPH)
    most = model.tokenizer.max_length
    encoding = Encoding(
        whole.ids[:most], whole.tokens[:most], whole.offsets[:most], whole.special[:most], whole.words[:most]
    )
    touching = torch.tensor(
        [[start < last and first < end for first, last in encoding.offsets] for start, end in seed.answer_spans()]
    )
    chosen = touching.any(0)
    ranks = _answers(model, [encoding], [chosen])[0][:, 1]
    worst = [ranks[pieces].max() for pieces in touching[:, chosen] if pieces.any()]
    return sum(int(rank < 1) for rank in worst), sum(int(rank < 5) for rank in worst)


def _with_source(text: Path, sources: Mapping[str, int] | None) -> Iterator[tuple[str, Document]]:
    found = list(documents(text))
    names = [name for name, count in (sources or {text.name: len(found)}).items() for _ in range(count)]
    if len(names) != len(found) or not found:
        raise TextError(f"{text} holds {len(found)} documents where {len(names) or 'some'} were expected.")
    return zip(names, found, strict=True)


def _answers(model: MaskedLM, encodings: Sequence[Encoding], chosen: Sequence[Tensor]) -> list[Tensor]:
    """For each encoding a row a mask: the right piece's loss, its rank from 0, and the likeliest piece's probability."""
    answers: list[Tensor] = [torch.zeros(0, 3)] * len(encodings)
    with_masks = [i for i in range(len(encodings)) if chosen[i].any()]
    by_length = sorted(with_masks, key=lambda i: len(encodings[i].ids))
    for start in range(0, len(by_length), 16):
        batch = by_length[start : start + 16]
        found = logits(model, [masked(model, encodings[i], chosen[i]) for i in batch])
        for i, at_masks in zip(batch, found, strict=True):
            right = torch.tensor(encodings[i].ids)[chosen[i]][:, None]
            log_probabilities = model.log_probabilities(at_masks)
            likelihood = log_probabilities.gather(1, right)
            rank = (log_probabilities > likelihood).sum(-1)
            answers[i] = torch.stack([-likelihood[:, 0], rank, log_probabilities.amax(-1).exp()], 1)
    return answers


def masked(model: MaskedLM, encoding: Encoding, chosen: Tensor) -> ForwardStep:
    """The text with the ``chosen`` tokens, bool [n], masked and asked for."""
    ids = torch.tensor(encoding.ids).masked_fill(chosen, model.tokenizer.mask_id)
    return ForwardStep([ids.tolist()], [chosen.nonzero().flatten().tolist()])


def _figures(answers: Tensor) -> Figures:
    loss, rank, confidence = answers.unbind(1)
    right = (rank < 1).float()
    return Figures(
        masks=len(answers),
        loss=float(loss.mean()),
        top_1=float(right.mean()),
        top_5=float((rank < 5).float().mean()),
        calibration_error=calibration_error(confidence, right),
    )


def calibration_error(confidence: Tensor, right: Tensor) -> float:
    """The expected calibration error of confidences [m] (0 to 1), where ``right`` [m] says 1 for a right answer."""
    bins = (confidence * BINS).long().clamp(max=BINS - 1)
    gaps = torch.zeros(BINS).index_add(0, bins, confidence - right)
    return float(gaps.abs().sum() / len(confidence))
