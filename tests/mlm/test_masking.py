"""Random masking: which tokens, what replaces them, and the labels."""

from __future__ import annotations

import pytest
import torch

from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.likelihood import IGNORE_INDEX

TEXT = "We don't move the table. Fort Sumter's [MASK] secessionists!"


@pytest.fixture(scope="module")
def encoding(model: mlm.MaskedLM) -> mlm.Encoding:
    return model.tokenizer.encode(TEXT)


def sample(encoding: mlm.Encoding, rate: float, seed: int = 0, whole_words: str | None = None) -> list[bool]:
    generator = torch.Generator().manual_seed(seed)
    return mlm.sample_mask(encoding, rate, generator=generator, whole_words=whole_words).tolist()


@pytest.mark.parametrize("whole_words", [None, TEXT])
def test_rate_one_masks_all_but_special_tokens(encoding: mlm.Encoding, whole_words: str | None) -> None:
    assert sample(encoding, 1, whole_words=whole_words) == [not special for special in encoding.special]
    assert encoding.tokens[encoding.special.index(True, 1)] == "[MASK]"


def test_rate_zero_masks_nothing_and_gives_a_loss_of_zero(model: mlm.MaskedLM, encoding: mlm.Encoding) -> None:
    nothing = torch.tensor([sample(encoding, 0)])
    assert not nothing.any()
    input_ids, labels = mlm.mask_80_10_10(torch.tensor([encoding.ids]), nothing, model.tokenizer)
    assert mlm.cross_entropy(mlm.forward(model, input_ids).logits, labels) == 0
    assert mlm.inspect(model, TEXT, rate=0).masked_loss is None


def test_same_seed_gives_the_same_mask(encoding: mlm.Encoding) -> None:
    assert sample(encoding, 0.5, seed=3) == sample(encoding, 0.5, seed=3)
    assert len({tuple(sample(encoding, 0.5, seed=seed)) for seed in range(20)}) > 10


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_rate_out_of_range_is_refused(encoding: mlm.Encoding, rate: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        mlm.sample_mask(encoding, rate)


def test_whole_words_are_masked_with_all_their_subwords(encoding: mlm.Encoding) -> None:
    tokens = encoding.tokens
    words = [["don", "'", "t"], ["sum", "##ter", "'", "s"], ["secession", "##ists"]]
    table_and_stop = set()
    for seed in range(100):
        mask = sample(encoding, 0.3, seed, TEXT)
        for word in words:
            start = next(index for index in range(len(tokens)) if tokens[index : index + len(word)] == word)
            assert len(set(mask[start : start + len(word)])) == 1
        table = tokens.index("table")
        table_and_stop.add((mask[table], mask[table + 1]))
    assert table_and_stop == {(a, b) for a in (True, False) for b in (True, False)}  # the full stop is not part of it


def test_training_corrupts_80_10_10(model: mlm.MaskedLM, encoding: mlm.Encoding) -> None:
    input_ids = torch.tensor([encoding.ids]).repeat(4000, 1)
    mask = torch.tensor([sample(encoding, 1)]).repeat(4000, 1)
    generator = torch.Generator().manual_seed(1)
    corrupted, labels = mlm.mask_80_10_10(input_ids, mask, model.tokenizer, generator=generator)
    assert (labels[~mask] == IGNORE_INDEX).all()
    assert (labels[mask] == input_ids[mask]).all()
    assert (corrupted[~mask] == input_ids[~mask]).all()
    new, old = corrupted[mask], input_ids[mask]
    assert (new == model.tokenizer.mask_id).float().mean() == pytest.approx(0.8, abs=0.01)
    assert (new == old).float().mean() == pytest.approx(0.1, abs=0.01)
    random = new[(new != old) & (new != model.tokenizer.mask_id)]
    assert not set(random.tolist()) & model.tokenizer.special_ids
    assert len(set(random.tolist())) > 5000


@pytest.mark.parametrize("whole_words", [False, True])
def test_sampled_spans_are_what_the_inspection_masks(model: mlm.MaskedLM, whole_words: bool) -> None:
    text = "The quick brown fox jumps over the lazy dog, and unbelievably it doesn't fall."
    spans = mlm.sample_mask_spans(model, text, rate=0.4, seed=3, whole_words=whole_words)
    inspection = mlm.inspect(model, text, rate=0.4, seed=3, whole_words=whole_words)
    masked = {index for token in inspection.tokens if token.masked for index in range(*token.span)}
    assert masked == {index for span in spans for index in range(*span)}
    assert spans == sorted(spans)


@pytest.mark.parametrize("text", ["", f"{MASK} {MASK}"])
def test_masks_of_the_text_are_not_sampled(model: mlm.MaskedLM, text: str) -> None:
    assert mlm.sample_mask_spans(model, text, rate=1) == []
