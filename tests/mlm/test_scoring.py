from __future__ import annotations

import itertools
import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import seed
from fillmask_ls import mlm


@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(2, 50))
def test_cross_entropy_by_hand_is_torchs(seed: int, rows: int, vocabulary: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, rows, vocabulary, generator=generator) * 10
    labels = torch.randint(vocabulary, (2, rows), generator=generator)
    labels[0, 0] = -100
    theirs = torch.nn.functional.cross_entropy(logits.view(-1, vocabulary), labels.view(-1))
    torch.testing.assert_close(mlm.cross_entropy(logits, labels), theirs, atol=1e-4, rtol=1e-5)


def test_no_label_no_loss() -> None:
    assert mlm.cross_entropy(torch.randn(1, 3, 5), torch.full((1, 3), -100)) == 0


def test_perplexity_of_a_uniform_guess_is_the_number_of_choices() -> None:
    assert mlm.perplexity(mlm.cross_entropy(torch.zeros(4, 7), torch.zeros(4, dtype=torch.long))) == pytest.approx(7)


def test_a_long_text_is_inspected_in_windows(model: mlm.MaskedLM) -> None:
    text = " ".join([seed.PARAGRAPH] * 12)
    report = mlm.inspect(model, text, seed=1)
    content = [token for token in report.tokens if token.span != (0, 0)]
    assert [token.id for token in content] == seed.IDS[1:-1] * 12
    assert all(a.span[1] <= b.span[0] for a, b in itertools.pairwise(content))
    assert report.masked_loss is not None
    assert report.masked_loss > report.loss > 0


def test_a_mask_in_the_text_has_no_original_and_no_loss(model: mlm.MaskedLM) -> None:
    report = mlm.inspect(model, "The [MASK] is blue.", rate=0)
    mask = report.tokens[2]
    assert (mask.masked, mask.probability) == (True, None)
    assert report.loss < 5


def test_an_empty_text_is_inspected(model: mlm.MaskedLM) -> None:
    assert [token.token for token in mlm.inspect(model, "").tokens] == ["[CLS]", "[SEP]"]


def test_the_report_is_plain_data(model: mlm.MaskedLM) -> None:
    from dataclasses import asdict

    assert json.loads(json.dumps(asdict(mlm.inspect(model, "A text."))))["model"] == "embedded"
