"""Training: reproducible batches, runs that continue after a kill, a falling loss."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertForMaskedLM

from training.network import masked_loss
from training.rows import Rows, batches
from training.train import LOG, STATE, Recipe, TrainingError, learning_rate, masked, train, training_batches

MASK = 103


def random_rows(seed: int = 0, count: int = 300) -> Rows:
    chance = np.random.default_rng(seed)
    rows = [[101, *chance.integers(1000, 2000, chance.integers(1, 20)).tolist(), 102] for _ in range(count)]
    return Rows.of(rows, [i % 2 for i in range(count)], ["prose", "code"])


def quiet(_: str) -> None:
    pass


def weights(run: Path) -> dict[str, torch.Tensor]:
    return dict(torch.load(run / STATE, weights_only=True)["average"])


def test_epoch_contains_each_row_once_in_batches_of_one_length() -> None:
    rows = random_rows()
    seen: list[int] = []
    for batch in batches(rows, tokens=100, seed=3):
        lengths = set(rows.lengths[batch].tolist())
        assert len(lengths) == 1
        assert len(batch) * lengths.pop() <= 100
        seen += batch.tolist()
        if len(seen) == len(rows):
            break
    assert sorted(seen) == list(range(len(rows)))


def test_repeats_change_how_often_a_source_occurs() -> None:
    rows = random_rows(count=2000)
    taken = np.concatenate(list(islice(batches(rows, 100, 3, {"prose": 0.5, "code": 2}), 400)))
    share = (rows.sources[taken] == 1).mean()
    assert 0.75 < share < 0.85  # 2 of 2.5


def test_seed_determines_the_batches() -> None:
    rows, recipe = random_rows(), Recipe("", 1000, batch=100)
    first, again = (list(islice(training_batches(rows, recipe, MASK), 50)) for _ in range(2))
    assert all(torch.equal(a, b) for one, two in zip(first, again, strict=True) for a, b in zip(one, two, strict=True))
    other = list(islice(training_batches(rows, Recipe("", 1000, batch=100, seed=2), MASK), 50))
    assert not all(torch.equal(one[0], two[0]) for one, two in zip(first, other, strict=True))
    read = sum(ids.numel() for ids, *_ in first[:20])
    resumed = islice(training_batches(rows, recipe, MASK, done=20, tokens=read), 30)
    assert all(torch.equal(one[0], two[0]) for one, two in zip(first[20:], resumed, strict=True))


@pytest.mark.parametrize("length", [3, 4, 10, 128])
def test_each_row_is_masked_but_not_its_special_tokens(length: int) -> None:
    rows = np.tile(np.array([101, *range(1000, 998 + length), 102]), (7, 1))
    ids, at, labels = masked(rows, 0.15, MASK, np.random.default_rng(0))
    assert ((at > 0) & (at < length - 1)).all()
    assert at.shape == (7, max(1, round(0.15 * (length - 2))))
    assert ((ids == MASK).sum(1) == at.shape[1]).all()
    assert torch.equal(ids.scatter(1, at, labels), torch.from_numpy(rows))


def test_learning_rate_warms_up_stays_and_falls_to_zero() -> None:
    recipe = Recipe("", tokens=1000, learning_rate=1.0, warmup=10, decay=0.5)
    assert learning_rate(recipe, 0, 0) == pytest.approx(0.1)
    assert learning_rate(recipe, 20, 400) == 1.0
    assert learning_rate(recipe, 90, 750) == pytest.approx(0.5)
    assert learning_rate(recipe, 100, 1000) == learning_rate(recipe, 101, 1010) == 0.0


def test_loss_and_gradient_equal_those_of_transformers(tiny: Path) -> None:
    network = BertForMaskedLM.from_pretrained(tiny, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(std=0.2)
    rows = np.random.default_rng(0).integers(1000, 2000, (4, 12))
    ids, at, answers = masked(rows, 0.3, MASK, np.random.default_rng(0))
    labels = torch.full_like(ids, -100).scatter(1, at, answers)
    expected = network(input_ids=ids, labels=labels).loss
    expected_gradients = torch.autograd.grad(expected, list(network.parameters()))
    with torch.autocast("cpu", torch.bfloat16):
        loss = masked_loss(network, ids, at, answers) / answers.numel()
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    assert loss.item() == pytest.approx(expected.item(), rel=0.02)
    for ours, theirs in zip(gradients, expected_gradients, strict=True):
        if theirs.norm() > 1e-4:  # a key's bias has no influence
            assert torch.cosine_similarity(ours.flatten(), theirs.flatten(), dim=0) > 0.98


@pytest.mark.parametrize("start", ["tiny", "encoder"])
def test_loss_falls(start: str, request: pytest.FixtureRequest, rows: Rows, tmp_path: Path) -> None:
    folder = request.getfixturevalue(start)
    recipe = Recipe(str(folder), tokens=8_000, batch=64, learning_rate=0.02, warmup=5)
    train(recipe, rows, tmp_path / "run", mask_id=MASK, say=quiet)
    losses = [entry["loss"] for entry in map(json.loads, (tmp_path / "run" / LOG).read_text().splitlines())]
    assert losses[-1] < losses[0] - 3


@pytest.mark.process
def test_killed_run_continues_unchanged(rows: Rows, tiny: Path, tmp_path: Path) -> None:
    rows.save(tmp_path / "rows")
    recipe = Recipe(str(tiny), tokens=6_000, batch=64, learning_rate=0.01)
    train(recipe, rows, tmp_path / "whole", mask_id=MASK, say=quiet)
    code = (
        "import sys; from pathlib import Path; from training.rows import Rows; from training.train import *;"
        f"train(Recipe({str(tiny)!r}, tokens=6_000, batch=64, learning_rate=0.01),"
        f"Rows.load(Path({str(tmp_path / 'rows')!r})), Path({str(tmp_path / 'killed')!r}), mask_id={MASK},"
        "save_every=0, say=lambda line: print(line, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    part = torch.load(tmp_path / "killed" / STATE, weights_only=True)["progress"]["tokens"]
    assert 0 < part < 6_000
    train(recipe, rows, tmp_path / "killed", mask_id=MASK, say=quiet)
    whole, killed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.allclose(whole[name], killed[name], atol=1e-6) for name in whole)
    assert (tmp_path / "whole" / LOG).read_text().count("\n") == (tmp_path / "killed" / LOG).read_text().count("\n")


@pytest.mark.process
def test_stop_signal_saves_the_state(rows: Rows, tiny: Path, tmp_path: Path) -> None:
    rows.save(tmp_path / "rows")
    command = [sys.executable, "-m", "training", "train", str(tmp_path / "rows"), "--start", str(tiny)]
    command += ["--tokens", "1e9", "--batch", "64", "--out", str(tmp_path / "run")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "tokens/s" in line
        assert "left" in line
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert torch.load(tmp_path / "run" / STATE, weights_only=True)["progress"]["steps"] >= 20


def test_run_that_does_not_fit_is_refused_with_the_reason(rows: Rows, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(TrainingError, match="the rows have no source novels; their sources are small"):
        train(Recipe(str(tiny), 100, repeats={"novels": 2}), rows, out, mask_id=MASK)
    too_long = Rows.of([[101] + [2000] * 100 + [102]], [0], ["a"])
    with pytest.raises(TrainingError, match="prepare them with its tokenizer"):
        train(Recipe(str(tiny), 100), too_long, out, mask_id=MASK)
    with pytest.raises(TrainingError, match="device toaster can't be used"):
        train(Recipe(str(tiny), 100), rows, out, mask_id=MASK, device="toaster")
    (out / STATE).write_bytes(b"half a file")
    with pytest.raises(TrainingError, match="Start in another folder"):
        train(Recipe(str(tiny), 100), rows, out, mask_id=MASK)


def test_state_with_a_loss_of_nan_is_not_saved(rows: Rows, tiny: Path, tmp_path: Path) -> None:
    network = BertForMaskedLM.from_pretrained(tiny)
    with torch.no_grad():
        network.bert.embeddings.LayerNorm.weight.fill_(float("nan"))
    network.save_pretrained(tiny)
    with pytest.raises(TrainingError, match="lower the learning rate"):
        train(Recipe(str(tiny), 300, batch=64), rows, tmp_path / "run", mask_id=MASK, say=quiet)
    assert not (tmp_path / "run" / STATE).exists()


@pytest.mark.parametrize("wrong", [{"tokens": 0}, {"rate": (0.0, 0.2)}, {"decay": 1.5}, {"repeats": {"a": -1}}])
def test_recipe_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TrainingError, match=f"{next(iter(wrong))} can't be"):
        Recipe("", **{"tokens": 100, **wrong})
