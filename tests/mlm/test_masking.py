from __future__ import annotations

import pytest
import torch

from fillmask_ls import mlm
from fillmask_ls.mlm.likelihood import IGNORE_INDEX

TEXT = "We don't move the table. Fort Sumter's [MASK] secessionists!"


@pytest.fixture(scope="module")
def encoding(model: mlm.MaskedLM) -> mlm.Encoding:
    return model.tokenizer.encode(TEXT)


def chosen(encoding: mlm.Encoding, rate: float, seed: int = 0, whole_words: str | None = None) -> list[bool]:
    generator = torch.Generator().manual_seed(seed)
    return mlm.sample_mask(encoding, rate, generator=generator, whole_words=whole_words).tolist()


@pytest.mark.parametrize("whole_words", [None, TEXT])
def test_at_rate_one_all_but_the_special_tokens_are_chosen(encoding: mlm.Encoding, whole_words: str | None) -> None:
    assert chosen(encoding, 1, whole_words=whole_words) == [not special for special in encoding.special]
    assert encoding.tokens[encoding.special.index(True, 1)] == "[MASK]"


def test_at_rate_zero_nothing_is_chosen_and_the_loss_is_no_nan(model: mlm.MaskedLM, encoding: mlm.Encoding) -> None:
    none = torch.tensor([chosen(encoding, 0)])
    assert not none.any()
    ids, labels = mlm.mask_80_10_10(torch.tensor([encoding.ids]), none, model.tokenizer)
    assert mlm.cross_entropy(mlm.forward(model, ids).logits, labels) == 0
    assert mlm.inspect(model, TEXT, rate=0).masked_loss is None


def test_the_same_seed_chooses_the_same(encoding: mlm.Encoding) -> None:
    assert chosen(encoding, 0.5, seed=3) == chosen(encoding, 0.5, seed=3)
    assert len({tuple(chosen(encoding, 0.5, seed=seed)) for seed in range(20)}) > 10


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_that_is_none(encoding: mlm.Encoding, rate: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        mlm.sample_mask(encoding, rate)


def test_whole_words_are_masked_with_all_their_pieces(encoding: mlm.Encoding) -> None:
    tokens = encoding.tokens
    groups = [["don", "'", "t"], ["sum", "##ter", "'", "s"], ["secession", "##ists"]]
    seen = set()
    for seed in range(200):
        picked = chosen(encoding, 0.3, seed, TEXT)
        for group in groups:
            start = next(i for i in range(len(tokens)) if tokens[i : i + len(group)] == group)
            assert len(set(picked[start : start + len(group)])) == 1
        table = tokens.index("table")
        seen.add((picked[table], picked[table + 1]))
    assert seen == {(a, b) for a in (True, False) for b in (True, False)}  # "table" and "." each by itself


def test_the_training_form(model: mlm.MaskedLM, encoding: mlm.Encoding) -> None:
    ids = torch.tensor([encoding.ids]).repeat(4000, 1)
    all_chosen = torch.tensor([chosen(encoding, 1)]).repeat(4000, 1)
    corrupted, labels = mlm.mask_80_10_10(ids, all_chosen, model.tokenizer, generator=torch.Generator().manual_seed(1))
    assert (labels[~all_chosen] == IGNORE_INDEX).all()
    assert (labels[all_chosen] == ids[all_chosen]).all()
    assert (corrupted[~all_chosen] == ids[~all_chosen]).all()
    new, old = corrupted[all_chosen], ids[all_chosen]
    assert (new == model.tokenizer.mask_id).float().mean() == pytest.approx(0.8, abs=0.01)
    assert (new == old).float().mean() == pytest.approx(0.1, abs=0.01)
    random = new[(new != old) & (new != model.tokenizer.mask_id)]
    assert not set(random.tolist()) & model.tokenizer.special_ids
    assert len(set(random.tolist())) > 5000
