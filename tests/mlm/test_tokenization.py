"""Text to tokens: only the document's masks become special tokens, and offsets point into the text."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillmask_ls import MASK, mlm
from fillmask_ls.words import find_masks

TEXTS = st.lists(
    st.sampled_from(
        [
            "a",
            " ",
            "Sumter",
            MASK,
            "[SEP]",
            "[CLS]",
            "[PAD]",
            "[UNK]",
            "é",
            "e\u0301",
            "😀",
            "\ud800",
            "\ufdd0",
            "\n",
            "[MASK",
            "中",
        ]
    )
    | st.text(max_size=3),
    max_size=15,
).map("".join)


@given(text=TEXTS)
@settings(deadline=None, max_examples=50)
def test_only_masks_become_the_mask_token(model: mlm.MaskedLM, text: str) -> None:
    encoding = model.tokenizer.encode(text)
    spans = [span for id, span in zip(encoding.ids, encoding.offsets, strict=True) if id == model.tokenizer.mask_id]
    assert spans == find_masks(text)


@given(text=TEXTS)
@settings(deadline=None, max_examples=50)
def test_offsets_point_into_the_text_in_order(model: mlm.MaskedLM, text: str) -> None:
    offsets = model.tokenizer.encode(text).offsets[1:-1]
    assert all(0 <= start < end <= len(text) for start, end in offsets)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(offsets))


@given(text=TEXTS)
@settings(deadline=None, max_examples=50)
def test_written_special_tokens_are_encoded_as_text(model: mlm.MaskedLM, text: str) -> None:
    ids = model.tokenizer.encode(text).ids
    assert (ids[0], ids[-1]) == (101, 102)
    assert not {0, 101, 102} & set(ids[1:-1])


@pytest.mark.parametrize("written", ["[SEP]", "[CLS]", "[PAD]", "[UNK]"])
def test_written_special_token_is_split(model: mlm.MaskedLM, written: str) -> None:
    tokens = model.tokenizer.encode(f"a {written} b").tokens
    assert tokens[2] == "["
    assert written not in tokens[1:-1]


def test_offsets_of_subwords(model: mlm.MaskedLM) -> None:
    encoding = model.tokenizer.encode("😀 Sumter's")
    assert encoding.tokens[1:-1] == ["[UNK]", "sum", "##ter", "'", "s"]
    assert encoding.offsets[1:-1] == [(0, 1), (2, 5), (5, 8), (8, 9), (9, 10)]


def test_only_given_masks_become_the_mask_token(model: mlm.MaskedLM) -> None:
    encoding = model.tokenizer.encode("[MASK] or [MASK]", [(10, 16)])
    assert encoding.ids.count(model.tokenizer.mask_id) == 1


@given(text=TEXTS, max_length=st.integers(8, 20))
@settings(deadline=None, max_examples=50)
def test_windows_cover_the_text_and_fit_the_limit(model: mlm.MaskedLM, text: str, max_length: int) -> None:
    spans = list(model.tokenizer.windows(text, max_length))
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(len(model.tokenizer.encode(text[start:end]).ids) <= max_length for start, end in spans)


def test_windows_are_cut_between_words(model: mlm.MaskedLM) -> None:
    text = "secessionist " * 40
    assert all(text[start:end].endswith("ist ") for start, end in model.tokenizer.windows(text, 16))


def test_special_tokens_around_a_text_are_split_off(model: mlm.MaskedLM) -> None:
    ids = model.tokenizer.encode("a b").ids
    assert model.tokenizer.split_added_tokens(ids) == ([101], [102])
