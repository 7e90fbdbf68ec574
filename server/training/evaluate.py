"""Evaluate a masked language model: loss, accuracy and calibration on held-out text."""

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

from . import notebook
from .passages import Document, TextError, documents, passages

BINS = 15


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures over a number of masked subwords.

    Attributes:
        masks: the number of masked subwords.
        loss: the mean cross-entropy, in nats.
        top_1: the share (0 to 1) of masks whose most probable subword is right.
        top_5: the share (0 to 1) of masks whose five most probable subwords contain the right one.
        calibration_error: the expected calibration error (0 to 1) of the most probable subword, in 15 bins of equal
            width (Guo et al. 2017).
    """

    masks: int
    loss: float
    top_1: float
    top_5: float
    calibration_error: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of one model.

    Attributes:
        model: its name.
        overall: over the whole text.
        sources: over each source.
        notebook_top_1, notebook_top_5: how many of the eleven masks of the notebook's paragraph are right.
    """

    model: str
    overall: Figures
    sources: dict[str, Figures]
    notebook_top_1: int
    notebook_top_5: int


def evaluate(
    model: MaskedLM, text: Path, sources: Mapping[str, int] | None = None, *, rate: float = 0.15, seed_number: int = 0
) -> Evaluation:
    """Evaluate a model on a random share of the subwords of ``text``, each replaced by the mask token.

    Args:
        text: as for :func:`training.passages.documents`.
        sources: the number of documents of each source, in the order of the text; by default all are one source.
        rate: the share of subwords to mask, 0 to 1.
        seed_number: the seed of the masks; a tokenizer and a seed determine them.

    Raises:
        TextError: the text can't be read, or ``sources`` counts another number of documents.
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
    top_1, top_5 = count_right_in_notebook(model)
    return Evaluation(model.name, _figures(torch.cat(answers)), by_source, top_1, top_5)


def table(evaluations: Sequence[Evaluation], names: Sequence[str] = ()) -> list[list[str]]:
    """Return a heading of ``names`` (by default the models' names), then one line a figure with one column a model."""
    overall = [evaluation.overall for evaluation in evaluations]
    return [
        ["", *(names or [evaluation.model for evaluation in evaluations])],
        ["masked loss, nats", *(f"{figures.loss:.3f}" for figures in overall)],
        ["top-1", *(percent(figures.top_1) for figures in overall)],
        ["top-5", *(percent(figures.top_5) for figures in overall)],
        ["expected calibration error", *(f"{figures.calibration_error:.3f}" for figures in overall)],
        ["the notebook's 11 masks: right at top-1", *(str(evaluation.notebook_top_1) for evaluation in evaluations)],
        ["the notebook's 11 masks: right at top-5", *(str(evaluation.notebook_top_5) for evaluation in evaluations)],
        *(
            [f"{name}: loss, top-1, top-5", *(_short(evaluation.sources[name]) for evaluation in evaluations)]
            for name in evaluations[0].sources
        ),
    ]


def _short(figures: Figures) -> str:
    return f"{figures.loss:.2f}, {percent(figures.top_1)}, {percent(figures.top_5)}"


def count_right_in_notebook(model: MaskedLM) -> tuple[int, int]:
    """Return how many of the eleven masks of the notebook's paragraph are right at top-1 and at top-5.

    An answer is right if all subwords that overlap it are right, and wrong if it lies beyond the model's maximum length.
    """
    whole = model.tokenizer.encode(notebook.PARAGRAPH)
    most = model.tokenizer.max_length
    encoding = Encoding(
        whole.ids[:most], whole.tokens[:most], whole.offsets[:most], whole.special[:most], whole.words[:most]
    )
    touching = torch.tensor(
        [[start < last and first < end for first, last in encoding.offsets] for start, end in notebook.answer_spans()]
    )
    chosen = touching.any(0)
    ranks = _answers(model, [encoding], [chosen])[0][:, 1]
    worst = [ranks[overlap].max() for overlap in touching[:, chosen] if overlap.any()]
    return sum(int(rank < 1) for rank in worst), sum(int(rank < 5) for rank in worst)


def _with_source(text: Path, sources: Mapping[str, int] | None) -> Iterator[tuple[str, Document]]:
    all_documents = list(documents(text))
    names = [name for name, count in (sources or {text.name: len(all_documents)}).items() for _ in range(count)]
    if len(names) != len(all_documents) or not all_documents:
        raise TextError(f"{text} contains {len(all_documents)} documents, not {len(names) or 'any'}.")
    return zip(names, all_documents, strict=True)


def _answers(model: MaskedLM, encodings: Sequence[Encoding], chosen: Sequence[Tensor]) -> list[Tensor]:
    """Return a tensor an encoding, [masks, 3]: the right subword's loss and rank (from 0), and the highest probability."""
    answers: list[Tensor] = [torch.zeros(0, 3)] * len(encodings)
    with_masks = [i for i in range(len(encodings)) if chosen[i].any()]
    by_length = sorted(with_masks, key=lambda i: len(encodings[i].ids))
    for start in range(0, len(by_length), 16):
        batch = by_length[start : start + 16]
        batch_logits = logits(model, [mask_step(model, encodings[i], chosen[i]) for i in batch])
        for i, mask_logits in zip(batch, batch_logits, strict=True):
            right = torch.tensor(encodings[i].ids)[chosen[i]][:, None]
            log_probabilities = model.log_probabilities(mask_logits)
            likelihood = log_probabilities.gather(1, right)
            rank = (log_probabilities > likelihood).sum(-1)
            answers[i] = torch.stack([-likelihood[:, 0], rank, log_probabilities.amax(-1).exp()], 1)
    return answers


def mask_step(model: MaskedLM, encoding: Encoding, chosen: Tensor) -> ForwardStep:
    """Return a forward step with the ``chosen`` tokens (bool [n]) masked, for the logits at them."""
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
    """Return the expected calibration error of confidences [m] (0 to 1); ``right`` [m] is 1 for a right answer."""
    bins = (confidence * BINS).long().clamp(max=BINS - 1)
    gaps = torch.zeros(BINS).index_add(0, bins, confidence - right)
    return float(gaps.abs().sum() / len(confidence))
