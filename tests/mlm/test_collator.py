"""Batches for training."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader

from fillmask_ls import mlm

TEXTS = [f"The keys to house number {number} are on the table." for number in range(40)]


def batch_of(model: mlm.MaskedLM, texts: list[str], **options: object) -> dict[str, torch.Tensor]:
    collator = mlm.MaskingCollator(model, **options)  # type: ignore[arg-type]
    return next(iter(DataLoader(texts, batch_size=len(texts), collate_fn=collator)))


def test_labels_are_the_original_ids_at_chosen_positions_only(model: mlm.MaskedLM) -> None:
    batch = batch_of(model, TEXTS, rate=0.5)
    originals = model.tokenizer(TEXTS, return_tensors="pt")
    chosen = batch["labels"] != -100
    assert torch.equal(batch["attention_mask"], originals["attention_mask"])
    assert torch.equal(batch["labels"][chosen], originals["input_ids"][chosen])
    assert torch.equal(batch["input_ids"][~chosen], originals["input_ids"][~chosen])
    share = chosen.sum() / (batch["attention_mask"].sum() - 2 * len(TEXTS))
    assert float(share) == pytest.approx(0.5, abs=0.1)
    masks = (batch["input_ids"] == model.tokenizer.mask_id).sum() / chosen.sum()
    assert float(masks) == pytest.approx(0.8, abs=0.1)


def test_a_texts_masks_do_not_depend_on_its_batch(model: mlm.MaskedLM) -> None:
    together, alone = batch_of(model, TEXTS), batch_of(model, TEXTS[3:4])
    length = alone["labels"].shape[1]
    assert torch.equal(together["labels"][3, :length], alone["labels"][0])
    assert not torch.equal(batch_of(model, TEXTS, seed=1)["labels"], together["labels"])


def test_texts_of_one_shape_have_draws_of_their_own(model: mlm.MaskedLM) -> None:
    labels = batch_of(model, TEXTS, rate=0.3)["labels"] != -100
    assert len({tuple(row.tolist()) for row in labels}) > 20


def test_the_draw_is_the_same_on_every_machine(model: mlm.MaskedLM) -> None:
    assert mlm.sample_mask_spans(model, "The quick brown fox jumps over the lazy dog.", seed=3) == [(10, 15)]


def test_whole_words_and_long_texts(model: mlm.MaskedLM) -> None:
    batch = batch_of(model, ["secessionists " * 200], rate=0.3, whole_words=True, max_length=64)
    labels = batch["labels"][0] != -100
    assert len(labels) <= 64
    assert torch.equal(labels[1:-1:2], labels[2:-1:2])  # secession ##ists


def test_a_loss_can_be_computed_from_a_batch(model: mlm.MaskedLM) -> None:
    output = model(**batch_of(model, TEXTS[:2], rate=0.5))
    assert output.loss is not None
    assert float(output.loss) > 0
