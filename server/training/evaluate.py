"""Evaluate a masked language model: loss, accuracy and calibration on held-out text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from fillmask_ls.mlm import MaskedLM
from fillmask_ls.mlm.masking import sample_mask
from fillmask_ls.mlm.tokenization import Encoding
from fillmask_ls.presentation.percent import percent

from . import notebook
from .documents import Document, TextError, documents
from .figures import Figures, MaskedText, answer, figures
from .passages import passages
from .probes import Probes, probe, probe_lines


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of one model.

    Attributes:
        model: its name.
        overall: over the whole text.
        sources: over each source.
        notebook_top_1, notebook_top_5: how many of the eleven masks of the notebook's paragraph are right.
        probes: over texts of other kinds and questions; None if they were left out.
    """

    model: str
    overall: Figures
    sources: dict[str, Figures]
    notebook_top_1: int
    notebook_top_5: int
    probes: Probes | None = None


def evaluate(
    model: MaskedLM,
    text: Path,
    sources: Mapping[str, int] | None = None,
    *,
    rate: float = 0.15,
    seed_number: int = 0,
    probe_texts: int = 0,
) -> Evaluation:
    """Evaluate a model on a random share of the subwords of ``text``, each replaced with the mask token.

    Args:
        text: as for :func:`training.documents.documents`.
        sources: the number of documents of each source, in the order of the text; by default all are one source.
        rate: the share of subwords to mask, 0 to 1.
        seed_number: the seed of the masks; a tokenizer and a seed determine them.
        probe_texts: the maximum number of texts of each kind to probe; 0 leaves the probes out.

    Raises:
        TextError: the text can't be read, or ``sources`` counts another number of documents.
    """
    generator = torch.Generator().manual_seed(seed_number)
    texts: list[MaskedText] = []
    owners: list[str] = []
    for name, document in _with_source(text, sources):
        for passage in passages(document, model.tokenizer, min(128, model.tokenizer.max_length)):
            encoding = model.tokenizer.encode(passage, masks=())
            texts.append(MaskedText(encoding, sample_mask(encoding, rate, generator=generator)))
            owners.append(name)
    answers = answer(model, texts)
    by_source = {
        name: figures([at_masks for at_masks, owner in zip(answers, owners, strict=True) if owner == name])
        for name in dict.fromkeys(owners)
    }
    top_1, top_5 = count_right_in_notebook(model)
    probes = probe(model, list(documents(text)), probe_texts) if probe_texts else None
    return Evaluation(model.name, figures(answers), by_source, top_1, top_5, probes)


def table(evaluations: Sequence[Evaluation], names: Sequence[str] = ()) -> list[list[str]]:
    """Return a heading of ``names`` (by default the models' names), then one line per figure with one column per model."""
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
        *probe_lines([evaluation.probes for evaluation in evaluations if evaluation.probes]),
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
    ranks = answer(model, [MaskedText(encoding, chosen)])[0][:, 1]
    worst = [ranks[overlap].max() for overlap in touching[:, chosen] if overlap.any()]
    return sum(int(rank < 1) for rank in worst), sum(int(rank < 5) for rank in worst)


def _with_source(text: Path, sources: Mapping[str, int] | None) -> Iterator[tuple[str, Document]]:
    all_documents = list(documents(text))
    names = [name for name, count in (sources or {text.name: len(all_documents)}).items() for _ in range(count)]
    if len(names) != len(all_documents) or not all_documents:
        raise TextError(f"{text} contains {len(all_documents)} documents, not {len(names) or 'any'}.")
    return zip(names, all_documents, strict=True)
