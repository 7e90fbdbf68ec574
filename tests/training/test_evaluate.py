"""Figures of an evaluation, compared with transformers and with known cases."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

import notebook
from fillmask_ls import mlm
from training.documents import TextError, documents
from training.evaluate import count_right_in_notebook, evaluate, table
from training.figures import calibration_error
from training.notebook import ANSWERS, PARAGRAPH, answer_spans
from training.passages import passages

pytestmark = pytest.mark.training


def test_loss_and_accuracy_equal_those_of_transformers(
    model: mlm.MaskedLM, network: PreTrainedModel, text: Path
) -> None:
    figures = evaluate(model, text, rate=0.3).overall
    generator = torch.Generator().manual_seed(0)
    losses, ranks = [], []
    encodings = [model.tokenizer.encode(cut) for whole in documents(text) for cut in passages(whole, model.tokenizer)]
    for encoding in encodings:
        at = mlm.sample_mask(encoding, 0.3, generator=generator)
        ids = torch.tensor(encoding.ids)
        with torch.inference_mode():
            logits = network(input_ids=ids.masked_fill(at, 103)[None]).logits[0, at] / model.temperature
        losses += torch.nn.functional.cross_entropy(logits, ids[at], reduction="none").tolist()
        ranks += [row.argsort(descending=True).tolist().index(id) for row, id in zip(logits, ids[at], strict=True)]
    assert figures.masks == len(losses) > 15
    assert figures.loss == pytest.approx(sum(losses) / len(losses), rel=1e-4)
    assert figures.top_1 == pytest.approx(sum(rank == 0 for rank in ranks) / len(ranks))
    assert figures.top_5 == pytest.approx(sum(rank < 5 for rank in ranks) / len(ranks))


def test_overall_figures_combine_those_of_the_sources(model: mlm.MaskedLM, text: Path) -> None:
    evaluation = evaluate(model, text, {"rivers": 1, "kettles": 1})
    rivers, kettles = evaluation.sources.values()
    assert list(evaluation.sources) == ["rivers", "kettles"]
    assert evaluation.overall.masks == rivers.masks + kettles.masks
    both = (rivers.loss * rivers.masks + kettles.loss * kettles.masks) / evaluation.overall.masks
    assert evaluation.overall.loss == pytest.approx(both, rel=1e-5)
    assert asdict(evaluate(model, text, {"rivers": 1, "kettles": 1})) == asdict(evaluation)


def test_model_with_another_vocabulary_is_evaluated(roberta: mlm.MaskedLM, text: Path) -> None:
    evaluation = evaluate(roberta, text)
    assert evaluation.overall.masks > 5
    assert 0 <= evaluation.overall.top_1 <= evaluation.overall.top_5 <= 1
    assert 0 <= evaluation.notebook_top_1 <= evaluation.notebook_top_5 <= 11


def test_wrong_counts_and_empty_texts_are_refused(model: mlm.MaskedLM, text: Path, tmp_path: Path) -> None:
    with pytest.raises(TextError, match="2 documents, not 3"):
        evaluate(model, text, {"rivers": 3})
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(TextError, match="0 documents"):
        evaluate(model, tmp_path / "empty.txt")


def test_seed_masks_equal_those_of_the_notebook(model: mlm.MaskedLM) -> None:
    assert [PARAGRAPH[start:end] for start, end in answer_spans()] == list(ANSWERS)
    offsets = model.tokenizer.encode(PARAGRAPH).offsets
    assert [offsets.index(span) for span in answer_spans()] == notebook.SELECTION
    top_1, top_5 = count_right_in_notebook(model)
    assert 3 <= top_1 <= top_5 <= 11


def test_calibration_error_of_known_cases() -> None:
    sure = torch.ones(100)
    assert calibration_error(sure, sure) == 0
    assert calibration_error(sure, 1 - sure) == 1
    right = torch.tensor([1.0] * 70 + [0.0] * 30)
    assert calibration_error(torch.full((100,), 0.7), right) == pytest.approx(0, abs=1e-6)
    assert calibration_error(torch.full((100,), 0.9), right) == pytest.approx(0.2, abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=60))
def test_calibration_error_is_between_zero_and_one(answers: list[tuple[float, bool]]) -> None:
    confidence, right = zip(*answers, strict=True)
    assert 0 <= calibration_error(torch.tensor(confidence), torch.tensor(right).float()) <= 1


def test_table_has_a_column_a_model(model: mlm.MaskedLM, roberta: mlm.MaskedLM, text: Path) -> None:
    heading, *lines = table([evaluate(model, text), evaluate(roberta, text)])
    assert heading == ["", "embedded", roberta.name]
    assert all(len(line) == 3 for line in lines)
