"""A student: begins as its teacher's layers, learns its teacher's probabilities."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import AutoModelForMaskedLM, AutoTokenizer

from fillmask_ls.mlm.checkpoint import EMBEDDED, resolve
from fillmask_ls.mlm.tokenization import Tokenizer
from fillmask_ls.mlm.tokenizer_files import load_tokenizer
from training.__main__ import main
from training.masked_batches import MaskedBatch, masked
from training.network import Network, head, layers, load_network, mask_logits, soft_loss
from training.recipe import Recipe
from training.rows import Rows
from training.student import StudentError, Teacher, start_student, translate_ids
from training.train import STATE, train

pytestmark = pytest.mark.training

MASK = 103


@pytest.fixture
def tokenizer() -> Tokenizer:
    return load_tokenizer(resolve("embedded"))


@pytest.fixture
def batch() -> MaskedBatch:
    chance = np.random.default_rng(0)
    rows = np.pad(chance.integers(1000, 30000, (4, 12)), ((0, 0), (1, 1)), constant_values=((0, 0), (101, 102)))
    return masked(rows, 0.3, MASK, chance)


def shaken(network: Network) -> Network:
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(std=0.2)
    return network


@pytest.fixture
def teacher(mpnet_encoder: Path, tokenizer: Tokenizer) -> tuple[Network, Tensor]:
    """An untrained MPNet, saved in its encoder's folder, and its ids of the student's tokens."""
    network = shaken(load_network(mpnet_encoder, torch.ones(1)))
    network.save_pretrained(mpnet_encoder)
    return network, translate_ids(tokenizer, load_tokenizer(resolve(str(mpnet_encoder))))


def test_ids_are_translated_by_token_and_by_role(tokenizer: Tokenizer, mpnet_encoder: Path) -> None:
    teacher = load_tokenizer(resolve(str(mpnet_encoder)))
    ids = translate_ids(tokenizer, teacher).tolist()
    assert [ids[id] for id in tokenizer.encode("A kettle whistles.").ids] == teacher.encode("A kettle whistles.").ids
    assert ids[MASK] == teacher.mask_id == 30526
    assert len(set(ids)) == len(ids) == 30522


def test_token_that_the_teacher_lacks_is_named(tokenizer: Tokenizer, mpnet_encoder: Path) -> None:
    with pytest.raises(StudentError, match="no '<pad>'"):
        translate_ids(load_tokenizer(resolve(str(mpnet_encoder))), tokenizer)


def test_student_of_all_layers_predicts_what_its_teacher_does(
    teacher: tuple[Network, Tensor], batch: MaskedBatch, mpnet_encoder: Path, tmp_path: Path
) -> None:
    network, ids = teacher
    start_student(mpnet_encoder, [1, 2, 3], ids, EMBEDDED, tmp_path / "student")
    student = AutoModelForMaskedLM.from_pretrained(tmp_path / "student")
    assert student.config.vocab_size == 30522
    assert AutoTokenizer.from_pretrained(tmp_path / "student")("[MASK]").input_ids == [101, 103, 102]
    masked_ids, at, _ = batch
    expected = mask_logits(network, ids[masked_ids], at)[:, ids]
    assert torch.allclose(mask_logits(student, masked_ids, at), expected, atol=1e-4)


def test_student_of_an_encoder_leaves_its_head_to_training(
    mpnet_encoder: Path, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    ids = translate_ids(tokenizer, load_tokenizer(resolve(str(mpnet_encoder))))
    start_student(mpnet_encoder, [1, 3], ids, EMBEDDED, tmp_path / "student")
    counts = torch.arange(30522)
    student = load_network(tmp_path / "student", counts)
    assert torch.allclose(head(student).decoder.bias.exp(), (counts + 1) / (counts + 1).sum())
    encoder = load_network(mpnet_encoder, torch.ones(1))
    assert torch.equal(layers(student)[1].output.dense.weight, layers(encoder)[2].output.dense.weight)


def test_student_takes_the_layers_that_are_named(tiny: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    same = translate_ids(tokenizer, tokenizer)
    start_student(tiny, [2], same, EMBEDDED, tmp_path / "student")
    student, teacher = (
        dict(load_network(folder, torch.ones(1)).named_parameters()) for folder in (tmp_path / "student", tiny)
    )
    assert torch.equal(
        student["bert.encoder.layer.0.output.dense.weight"], teacher["bert.encoder.layer.1.output.dense.weight"]
    )
    assert "bert.encoder.layer.1.output.dense.weight" not in student
    with pytest.raises(StudentError, match="layers 1 to 2"):
        start_student(tiny, [3], same, EMBEDDED, tmp_path / "student")


def test_targets_mix_the_teacher_and_the_right_token(tiny: Path, tokenizer: Tokenizer, batch: MaskedBatch) -> None:
    network = shaken(load_network(tiny, torch.ones(1)))
    ids, at, labels = batch
    targets = Teacher(network, translate_ids(tokenizer, tokenizer), 0.6).targets(ids, at, labels).probabilities
    assert torch.allclose(targets.sum(-1), torch.ones(len(targets)), atol=1e-5)
    right = torch.nn.functional.one_hot(labels.flatten(), 30522)
    expected = 0.6 * mask_logits(network, ids, at).softmax(-1) + 0.4 * right
    assert torch.allclose(targets, expected, atol=1e-6)


def test_loss_of_targets_equals_that_of_torch(tiny: Path, batch: MaskedBatch) -> None:
    network = shaken(load_network(tiny, torch.ones(1)))
    ids, at, _ = batch
    targets = torch.rand(at.numel(), 30522).softmax(-1)
    expected = torch.nn.functional.cross_entropy(mask_logits(network, ids, at), targets, reduction="sum")
    loss = soft_loss(network, ids, at, targets)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    weights = list(network.parameters())
    for ours, theirs in zip(torch.autograd.grad(loss, weights), torch.autograd.grad(expected, weights), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-3 * theirs.abs().max().item() + 1e-6)


def test_hidden_states_of_the_teacher_are_the_targets_of_the_layers(
    teacher: tuple[Network, Tensor], batch: MaskedBatch
) -> None:
    network, translated = teacher
    ids, at, labels = batch
    alone = Teacher(network, translated, 1.0, blocks=1, weight=2.0).targets(ids, at, labels)
    assert alone.states == []
    same = Teacher(network, translated, 1.0, blocks=3, weight=2.0).targets(ids, at, labels)
    assert [state.shape for state in same.states] == [(4, 14, 16)] * 2
    teacher_ids = translated[ids]
    plain = soft_loss(network, teacher_ids, at, torch.ones(at.numel(), 30527))
    equal = soft_loss(network, teacher_ids, at, torch.ones(at.numel(), 30527), same.states, 2.0)
    assert equal.item() == pytest.approx(plain.item())
    other = soft_loss(network, teacher_ids, at, torch.ones(at.numel(), 30527), [-state for state in same.states], 2.0)
    assert other.item() > plain.item() + at.numel()
    with pytest.raises(StudentError, match="2 layers can't learn"):
        Teacher(network, translated, 1.0, blocks=2)


def test_distilled_student_approaches_its_teacher(rows: Rows, tiny: Path, encoder: Path, tmp_path: Path) -> None:
    recipe = Recipe(str(tiny), tokens=3_000, batch=64, learning_rate=0.02, warmup=5)
    teacher = train(recipe, rows, tmp_path / "teacher", mask_id=MASK, say=lambda _: None).network
    recipe = replace(recipe, start=str(encoder))
    wrapped = Teacher(teacher, torch.arange(30522), 1.0)
    student = train(recipe, rows, tmp_path / "student", mask_id=MASK, teacher=wrapped, say=lambda _: None).network
    ids, at, _ = masked(rows.of_one_length(np.array([0])), 0.3, MASK, np.random.default_rng(1))

    def distance(network: Network) -> float:
        with torch.no_grad():
            ours, theirs = (mask_logits(either, ids, at).softmax(-1) for either in (network, teacher))
        return float((ours - theirs).abs().sum(-1).mean())

    assert distance(student) < 1 < distance(load_network(encoder, torch.ones(30522)))


def test_student_is_made_and_distilled_by_the_command_line(rows: Rows, mpnet_encoder: Path, tmp_path: Path) -> None:
    rows.save(tmp_path / "rows")
    teacher = load_network(mpnet_encoder, torch.ones(30527))
    teacher.save_pretrained(mpnet_encoder)
    student, run = str(tmp_path / "student"), str(tmp_path / "run")
    assert main(["student", str(mpnet_encoder), "--layers", "1", "3", "--out", student]) == 0
    command = ["distill", str(tmp_path / "rows"), "--teacher", str(mpnet_encoder), "--start", student]
    assert main([*command, "--tokens", "300", "--batch", "64", "--out", run]) == 0
    assert main([*command, "--tokens", "600", "--batch", "64", "--out", run, "--hidden-weight", "1"]) == 1
    main(["student", str(mpnet_encoder), "--layers", "3", "--out", student])
    assert main([*command, "--tokens", "300", "--batch", "64", "--out", f"{run}2", "--hidden-weight", "1"]) == 0
    assert (tmp_path / "run" / STATE).exists()
