"""The runtime that is an extra gives what torch gives."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fillmask_ls import mlm
from kinds import KINDS

TEXTS = ["Paris is the [MASK] of [MASK].", "", "🙂 the cat [MASK] on the mat. The dog slept."]


def same(one: mlm.MaskedLM, other: mlm.MaskedLM, texts: list[str]) -> None:
    for text in texts:
        for ours, theirs in zip(mlm.predict(one, text), mlm.predict(other, text), strict=True):
            assert [word.text for word in ours.candidates] == [word.text for word in theirs.candidates]
            assert [word.probability for word in ours.candidates] == pytest.approx(
                [word.probability for word in theirs.candidates], abs=1e-4
            )


def test_the_embedded_model_predicts_and_scores_the_same(model: mlm.MaskedLM) -> None:
    compiled = mlm.load("embedded", dtype=torch.float32, runtime="openvino")
    same(compiled, model, TEXTS)
    ours, theirs = (mlm.score(each, ["War broke out in April 1861."])[0] for each in (compiled, model))
    assert ours.pseudo_log_likelihood == pytest.approx(theirs.pseudo_log_likelihood, abs=1e-3)


# To compile takes seconds: one network of each shape, and all in the long run.
@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[] if kind in {"roberta", "modernbert"} else [pytest.mark.long]) for kind in KINDS],
)
def test_every_kind_predicts_the_same(
    kind: str, checkpoint_of: Callable[[str], Path], model_of: Callable[[str], mlm.MaskedLM]
) -> None:
    compiled = mlm.load(str(checkpoint_of(kind)), dtype=torch.float32, runtime="openvino")
    same(compiled, model_of(kind), ["the cat [MASK] on the mat.", "[MASK]", "they were [MASK] in [MASK]."])


def test_bfloat16_is_computed_in_bfloat16(model: mlm.MaskedLM) -> None:
    compiled = mlm.load("embedded", dtype=torch.bfloat16, runtime="openvino")
    ours, theirs = (mlm.predict(each, "Paris is the capital of [MASK].")[0] for each in (compiled, model))
    assert compiled.dtype == torch.bfloat16
    assert ours.candidates[0].text == theirs.candidates[0].text
    assert ours.entropy == pytest.approx(theirs.entropy, rel=0.05)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(mlm.CheckpointError, match=r"pip install 'fillmask-ls\[openvino\]'"):
        mlm.load("embedded", runtime="openvino")


def test_it_runs_on_the_cpu_only() -> None:
    with pytest.raises(mlm.CheckpointError, match="Choose device 'cpu'"):
        mlm.load("embedded", device="meta", runtime="openvino")
