"""The runtime openvino, an optional extra, predicts what torch predicts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fillmask_ls import mlm
from tiny_checkpoints import TINY_CHECKPOINTS

TEXTS = ["Paris is the [MASK] of [MASK].", "", "🙂 the cat [MASK] on the mat. The dog slept."]


def assert_same_predictions(model: mlm.MaskedLM, other: mlm.MaskedLM, texts: list[str]) -> None:
    for text in texts:
        for ours, theirs in zip(mlm.predict(model, text), mlm.predict(other, text), strict=True):
            assert [word.text for word in ours.candidates] == [word.text for word in theirs.candidates]
            assert [word.probability for word in ours.candidates] == pytest.approx(
                [word.probability for word in theirs.candidates], abs=1e-4
            )


@pytest.mark.models
def test_embedded_model_predicts_and_scores_the_same(model: mlm.MaskedLM) -> None:
    compiled = mlm.load("embedded", dtype=torch.float32, runtime="openvino")
    assert_same_predictions(compiled, model, TEXTS)
    ours, theirs = (mlm.score(each, ["War broke out in April 1861."])[0] for each in (compiled, model))
    assert ours.pseudo_log_likelihood == pytest.approx(theirs.pseudo_log_likelihood, abs=1e-3)


@pytest.mark.models
def test_compiling_a_model_reports_nothing_to_the_maker_of_the_runtime(checkpoint_of: Callable[[str], Path]) -> None:
    code = f"""
import socket, sys
from fillmask_ls import mlm
socket.socket.connect = lambda *_: print("connected")
mlm.load({str(checkpoint_of("roberta"))!r}, runtime="openvino", device="cpu")
print("openvino_telemetry.main" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# Compiling takes seconds: one network of each shape with the other models, all in the long run.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.models if name in {"roberta", "modernbert"} else pytest.mark.long)
        for name in TINY_CHECKPOINTS
    ],
)
def test_every_architecture_predicts_the_same(
    name: str, checkpoint_of: Callable[[str], Path], model_of: Callable[[str], mlm.MaskedLM]
) -> None:
    compiled = mlm.load(str(checkpoint_of(name)), dtype=torch.float32, runtime="openvino")
    texts = ["the cat [MASK] on the mat.", "[MASK]", "they were [MASK] in [MASK]."]
    assert_same_predictions(compiled, model_of(name), texts)


@pytest.mark.models
def test_bfloat16_is_computed_in_bfloat16(model: mlm.MaskedLM) -> None:
    compiled = mlm.load("embedded", dtype=torch.bfloat16, runtime="openvino")
    ours, theirs = (mlm.predict(each, "Paris is the capital of [MASK].")[0] for each in (compiled, model))
    assert compiled.dtype == torch.bfloat16
    assert ours.candidates[0].text == theirs.candidates[0].text
    assert ours.entropy == pytest.approx(theirs.entropy, rel=0.05)


def test_missing_extra_is_named(checkpoint_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(mlm.CheckpointError, match="Install fillmask-ls with its extra 'openvino', or choose 'torch'"):
        mlm.load(str(checkpoint_of("bert-cased")), runtime="openvino")


def test_other_devices_than_the_cpu_are_refused(checkpoint_of: Callable[[str], Path]) -> None:
    with pytest.raises(mlm.CheckpointError, match="Choose device 'cpu'"):
        mlm.load(str(checkpoint_of("bert-cased")), device="meta", runtime="openvino")
