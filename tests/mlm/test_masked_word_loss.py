"""The loss of words that masks hide."""

from __future__ import annotations

import pytest
import torch

from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.forward_steps import run_steps
from fillmask_ls.mlm.masked_word_loss import masked_word_loss_steps


def loss_of(model: mlm.MaskedLM, text: str, masks: list[tuple[int, int]], words: list[str]) -> float:
    return run_steps(model, masked_word_loss_steps(model, text, masks, words))


def test_loss_is_the_cross_entropy_at_the_masks(model: mlm.MaskedLM) -> None:
    text = f"Paris is the {MASK} of {MASK}."
    spans = [(13, 19), (23, 29)]
    encoding = model.tokenizer.encode(text, spans)
    logits = mlm.forward(model, torch.tensor([encoding.ids])).logits[0]
    whole = model.tokenizer.encode("Paris is the capital of France.").ids
    labels = torch.tensor(
        [id if seen == model.tokenizer.mask_id else -100 for id, seen in zip(whole, encoding.ids, strict=True)]
    )
    loss = loss_of(model, text, spans, ["capital", "France"])
    assert loss == pytest.approx(float(mlm.cross_entropy(logits, labels)), abs=1e-4)


def test_loss_counts_each_subword_of_a_word(model: mlm.MaskedLM) -> None:
    common, rare = (loss_of(model, f"a {MASK} here", [(2, 8)], [word]) for word in ("man", "zebrafishes"))
    assert rare > common


def test_loss_without_masks_is_zero(tiny_bert: mlm.MaskedLM) -> None:
    assert loss_of(tiny_bert, "the cat sat.", [], []) == 0
