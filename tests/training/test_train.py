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
from transformers import AutoConfig, BertForMaskedLM

from training.masked_batches import masked, training_batches
from training.network import head, load_network, mask_logits, masked_loss
from training.recipe import Recipe, TrainingError, learning_rate
from training.rows import Rows, batches
from training.train import LOG, STATE, train
from training.workers import Workers

pytestmark = pytest.mark.training

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


def test_unfinished_row_is_masked_at_its_end() -> None:
    rows = np.tile(np.array([101, *range(1000, 1008), 102]), (50, 1))
    unfinished = np.arange(50) % 2 == 0
    ids, at, _ = masked(rows, 0.15, MASK, np.random.default_rng(0), unfinished)
    assert (at[unfinished] == 8).all()
    assert 0 < (at[~unfinished] == 8).sum() < 15
    assert ((ids == MASK).sum(1) == 1).all()


def test_learning_rate_warms_up_stays_and_falls_to_zero() -> None:
    recipe = Recipe("", tokens=1000, learning_rate=1.0, warmup=10, decay=0.5)
    assert learning_rate(recipe, 0, 0) == pytest.approx(0.1)
    assert learning_rate(recipe, 20, 400) == 1.0
    assert learning_rate(recipe, 90, 750) == pytest.approx(0.5)
    assert learning_rate(recipe, 100, 1000) == learning_rate(recipe, 101, 1010) == 0.0


@pytest.mark.parametrize("start", ["encoder", "mpnet_encoder"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_loss_and_gradient_equal_those_of_transformers(
    start: str, dtype: torch.dtype, request: pytest.FixtureRequest
) -> None:
    network = load_network(request.getfixturevalue(start), torch.ones(1))
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(std=0.2)
    rows = np.random.default_rng(0).integers(1000, 2000, (4, 12))
    ids, at, answers = masked(rows, 0.3, MASK, np.random.default_rng(0))
    labels = torch.full_like(ids, -100).scatter(1, at, answers)
    whole = network(input_ids=ids, labels=labels)
    expected_gradients = torch.autograd.grad(whole.loss, list(network.parameters()))
    with torch.autocast("cpu", dtype, enabled=dtype == torch.bfloat16):
        loss = masked_loss(network, ids, at, answers) / answers.numel()
        logits = mask_logits(network, ids, at)
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    exact = dtype == torch.float32
    assert loss.item() == pytest.approx(whole.loss.item(), rel=1e-5 if exact else 0.02)
    expected_logits = whole.logits.gather(1, at[..., None].expand(-1, -1, whole.logits.shape[-1])).flatten(0, 1)
    assert torch.allclose(logits.float(), expected_logits, atol=1e-4 if exact else 0.1)
    for ours, theirs in zip(gradients, expected_gradients, strict=True):
        if theirs.norm() > 1e-4:  # a key's bias has no influence
            similarity = torch.cosine_similarity(ours.flatten(), theirs.flatten(), dim=0)
            assert similarity > (0.9999 if exact else 0.98)


@pytest.mark.parametrize("start", ["tiny", "encoder", "mpnet_encoder"])
def test_loss_falls(start: str, request: pytest.FixtureRequest, rows: Rows, tmp_path: Path) -> None:
    folder = request.getfixturevalue(start)
    recipe = Recipe(str(folder), tokens=5_500, batch=64, learning_rate=0.02, warmup=5)
    out = tmp_path / "run"
    train(recipe, rows, out, mask_id=MASK, validation=rows, validate_every=2_700, say=quiet)
    entries = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    losses = [entry["loss"] for entry in entries if "loss" in entry]
    assert losses[-1] < losses[0] - 2
    first, last = (entry for entry in entries if "validation_loss" in entry)
    assert last["validation_loss"] < first["validation_loss"]


def test_validation_is_the_mean_over_all_masks(tiny: Path) -> None:
    network = load_network(tiny, torch.ones(1))
    batches = [
        masked(random_rows().of_one_length(np.array([row])), 0.5, MASK, np.random.default_rng(0)) for row in (0, 1)
    ]
    logits = torch.cat([mask_logits(network, ids, at) for ids, at, _ in batches])
    batches = [(ids, at, answers.clone()) for ids, at, answers in batches]
    batches[0][2][0, 0] = logits[0].argmax()
    labels = torch.cat([answers.flatten() for *_, answers in batches])
    with Workers(network) as workers:
        loss, top_1 = workers.validate(batches)
    assert loss == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-3)
    assert top_1 == pytest.approx(1 / len(labels))


@pytest.mark.parametrize("start", ["encoder", "mpnet_encoder"])
def test_new_head_begins_as_the_identity_and_the_frequencies(start: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(start)
    size = AutoConfig.from_pretrained(folder).vocab_size
    counts = torch.zeros(size)
    counts[7] = size
    new = head(load_network(folder, counts))
    assert torch.equal(new.dense.weight, torch.eye(16))
    assert not new.dense.bias.any()
    assert new.decoder.bias.exp().sum().item() == pytest.approx(1)
    assert new.decoder.bias[7].exp().item() == pytest.approx(0.5, rel=1e-3)


def test_head_of_the_start_is_kept(tiny: Path) -> None:
    start = BertForMaskedLM.from_pretrained(tiny)
    again = load_network(tiny, torch.ones(start.config.vocab_size))
    assert torch.equal(head(again).dense.weight, head(start).dense.weight)


def test_frozen_layers_do_not_change(mpnet_encoder: Path, rows: Rows, tmp_path: Path) -> None:
    recipe = Recipe(str(mpnet_encoder), tokens=500, batch=64, learning_rate=0.02, frozen=2)
    network = train(recipe, rows, tmp_path / "run", mask_id=MASK, say=quiet).network
    before = dict(load_network(mpnet_encoder, torch.ones(1)).named_parameters())
    changed = {name for name, weight in network.named_parameters() if not torch.equal(weight, before[name])}
    frozen = {name for name in before if "position_emb" in name or "embeddings.LayerNorm" in name}
    frozen |= {name for name in before if "layer.0." in name or "layer.1." in name}
    assert len(frozen) > 30
    assert changed == before.keys() - frozen
    assert weights(tmp_path / "run").keys() == changed


def test_head_can_have_a_learning_rate_of_its_own(mpnet_encoder: Path, rows: Rows, tmp_path: Path) -> None:
    recipe = Recipe(str(mpnet_encoder), tokens=500, batch=64, learning_rate=1e-9, head_rate=1e7)
    network = train(recipe, rows, tmp_path / "run", mask_id=MASK, say=quiet).network
    before = dict(load_network(mpnet_encoder, torch.ones(1)).named_parameters())
    moved = {name for name, weight in network.named_parameters() if (weight - before[name]).abs().max() > 1e-4}
    assert moved == {name for name in before if name.startswith("lm_head")}


def test_killed_run_continues_unchanged(rows: Rows, tiny: Path, tmp_path: Path) -> None:
    rows.save(tmp_path / "rows")
    recipe = Recipe(str(tiny), tokens=6_000, batch=64, learning_rate=0.01)
    train(recipe, rows, tmp_path / "whole", mask_id=MASK, say=quiet)
    code = (
        "import sys; from pathlib import Path; from training.rows import Rows; from training.recipe import Recipe; from training.train import train;"
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
    too_long = Rows.of([[101] + [2000] * 200 + [102]], [0], ["a"])
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
