"""A model is computed in the default precision and by the chosen runtime only if they work."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
import torch

import random_checkpoints
from fillmask_ls import MASK, mlm
from parity import native_bfloat16

FAILS_IN_BFLOAT16 = "deberta"


def test_default_precision_is_the_reduced_one_if_the_network_works_in_it(tmp_path: Path) -> None:
    random_checkpoints.save("distilbert", tmp_path)
    with native_bfloat16():
        model = mlm.load(tmp_path, device="cpu")
    assert model.dtype == torch.bfloat16
    assert model.notes == ()


def test_network_that_fails_in_bfloat16_is_computed_in_float32_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    random_checkpoints.save(FAILS_IN_BFLOAT16, tmp_path)
    with native_bfloat16(), caplog.at_level(logging.WARNING, "fillmask_ls"):
        model = mlm.load(tmp_path, device="cpu")
        mlm.predict(model, f"the cat {MASK}.")
    assert (model.dtype, model.embeddings.dtype) == (torch.float32, torch.float32)
    (note,) = model.notes
    assert note == f"Model {str(tmp_path)!r} is computed in float32, because its architecture fails in bfloat16."
    assert [record.getMessage() for record in caplog.records] == [note]
    exact = mlm.load(tmp_path, device="cpu", dtype="float32")
    assert mlm.predict(model, f"the cat {MASK}.") == mlm.predict(exact, f"the cat {MASK}.")


def test_chosen_precision_that_fails_is_refused(tmp_path: Path) -> None:
    random_checkpoints.save(FAILS_IN_BFLOAT16, tmp_path)
    with pytest.raises(mlm.CheckpointError, match="bfloat16: choose 'float32' or 'auto'"):
        mlm.load(tmp_path, device="cpu", dtype="bfloat16")


@pytest.mark.models
@pytest.mark.parametrize(
    ("architecture", "problem"),
    [
        ("longformer", r"its results are off by \d+%"),
        ("funnel", "the compiled network fails"),
        ("bart", "it can't compile this architecture"),
    ],
)
def test_torch_computes_what_openvino_does_not_compute_rightly(
    architecture: str, problem: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    random_checkpoints.save(architecture, tmp_path)
    with caplog.at_level(logging.WARNING, "fillmask_ls"):
        model = mlm.load(tmp_path, device="cpu", dtype="float32", runtime="openvino")
    (note,) = model.notes
    assert [record.getMessage() for record in caplog.records] == [note]
    reason = f"Model {str(tmp_path)!r} is computed by the runtime 'torch' instead of 'openvino', because {problem}."
    assert re.fullmatch(reason, note)
    exact = mlm.load(tmp_path, device="cpu", dtype="float32")
    assert mlm.predict(model, f"the cat {MASK}.") == mlm.predict(exact, f"the cat {MASK}.")
