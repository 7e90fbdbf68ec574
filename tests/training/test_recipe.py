"""The recipe from text to checkpoint, as the README describes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from fillmask_ls import mlm
from fillmask_ls.mlm.checkpoint import CALIBRATION
from training.__main__ import main
from training.train import LOG, STATE

pytestmark = pytest.mark.training


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str


Recipe = Callable[..., Finished]


@pytest.fixture
def recipe(capsys: pytest.CaptureFixture[str]) -> Recipe:
    """Run one step of the recipe in this process, because a new process would import torch again."""

    def run(*arguments: str | Path) -> Finished:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Finished(code, captured.out, captured.err)

    return run


def test_recipe_makes_a_checkpoint_from_text(recipe: Recipe, text: Path, tiny: Path, tmp_path: Path) -> None:
    rows, run, out = tmp_path / "rows", tmp_path / "run", tmp_path / "out"
    done = recipe("prepare", text, "--tokenizer", tiny, "--length", "32", "--out", rows)
    assert (done.code, done.err) == (0, "")
    assert "rows" in done.out
    done = recipe(
        "train", rows, "--start", tiny, "--tokens", "3e3", "--batch", "64", "--repeat", "small=2", "--out", run
    )
    assert done.code == 0, done.err
    assert f"done; saved in {run}" in done.err.splitlines()[-1]
    done = recipe("export", run, out, "--start", tiny, "--text", text)
    assert done.code == 0, done.err

    network, report = AutoModelForMaskedLM.from_pretrained(out, output_loading_info=True)
    assert not report["missing_keys"]
    assert network.dtype == torch.bfloat16
    average = torch.load(run / STATE, weights_only=True)["average"]
    for name, weight in network.named_parameters():
        assert torch.equal(weight, average[name].bfloat16()), name
    assert network.config.hidden_dropout_prob == 0.1  # for further training
    assert AutoTokenizer.from_pretrained(out)("[MASK]").input_ids == [101, 103, 102]

    small = tmp_path / "small"
    assert recipe("export", run, small, "--start", tiny, "--int8").code == 0
    assert (small / "model.safetensors").stat().st_size < 0.7 * (out / "model.safetensors").stat().st_size
    more = recipe("train", rows, "--start", small, "--tokens", "300", "--batch", "64", "--out", tmp_path / "more")
    assert more.code == 0, more.err

    card = (out / "README.md").read_text()
    assert "license: apache-2.0" in card
    assert "| top-1 |" in card
    done = recipe("evaluate", out, "embedded", "--text", text, "--probe-texts", "3", "--json")
    ours, embedded = json.loads(done.out)
    assert embedded["overall"]["loss"] < ours["overall"]["loss"]
    assert f"| {ours['overall']['loss']:.3f} |" in card
    assert 0 <= ours["probes"]["repeated"] <= 1
    assert set(ours["overall"]) == {"masks", "loss", "top_1", "top_5", "calibration_error"}
    assert "masked loss" in recipe("evaluate", "embedded", "--text", text, "--probe-texts", "0").out
    done = recipe("calibrate", out, "--text", text)
    assert done.code == 0, done.err
    temperature = json.loads((out / CALIBRATION).read_text())["temperature"]
    assert 0.5 <= temperature <= 2
    assert mlm.load(str(out)).temperature == temperature


def test_errors_are_one_line(recipe: Recipe, text: Path, tmp_path: Path) -> None:
    for arguments, words in (
        (("prepare", tmp_path / "absent.txt", "--out", tmp_path), "absent.txt can't be read"),
        (("train", tmp_path, "--tokens", "1e3", "--out", tmp_path / "run"), "make them with `prepare`"),
        (("evaluate", "nowhere/at/all", "--text", text), "there is no such folder"),
        (("evaluate", "embedded", "--text", text, "--sources", tmp_path / "none.json"), "none.json"),
        (("export", tmp_path, tmp_path / "out"), "there is no training run"),
    ):
        done = recipe(*arguments)
        assert done.code == 1
        assert words in done.err
        assert done.err.count("\n") == 1


def test_curve_is_drawn(recipe: Recipe, tmp_path: Path) -> None:
    entries = [{"tokens": 1e6 * i, "loss": 4 - 0.1 * i} for i in range(9)] + [{"tokens": 5e6, "validation_loss": 3.4}]
    (tmp_path / LOG).write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    assert recipe("curve", tmp_path, tmp_path / "curve.svg").code == 0
    assert "<svg" in (tmp_path / "curve.svg").read_text()
