"""Tokens are aligned with the text that they came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillmask_ls import MASK, mlm
from fillmask_ls.mlm.checkpoint import Checkpoint
from fillmask_ls.mlm.text_alignment import align
from fillmask_ls.mlm.tokenizer_files import load_tokenizer, wrap_tokenizer
from tiny_tokenizers import write

TEXTS = st.lists(
    st.sampled_from(
        [MASK, " ", "\n", "playing", "the cat ", "Zoë", "我们", "кошка", "😀", "x" * 120, "[SEP]", ".", "(", "é"]
    )
    | st.text("aXz0éßñ¶·«—“жЖ中のハ가😀🙂 \t", max_size=4),
    max_size=12,
).map("".join)


@pytest.mark.parametrize(
    ("tokens", "text", "spans"),
    [
        (["he", "said", ":", '"', "hi", '"'], "He said: “hi”", ["He", "said", ":", "“", "hi", "”"]),
        (["no", ".", ".", ".", "a"], "no… a", ["no", "…", "…", "…", "a"]),
        (["cafe", "s"], "cafe\u0301s", ["cafe\u0301", "s"]),
        (["a", None, "b"], "a банк b", ["a", "банк", "b"]),
        (["a", None, None, "b"], "a xy b", ["a", "x", "y", "b"]),
        ([None, "a"], "aa a", ["aa", "a"]),
        (["ab"], "a\u00adb", ["a\u00adb"]),
        (["'", "00"], "´00", ["´", "00"]),
        (["aa", "bb"], "\x00a\x00a bb", ["a\x00a", "bb"]),
        (["fi", "x"], "ﬁx", ["ﬁ", "x"]),
        ([], "abc", []),
        (["a"], "", [""]),
    ],
)
def test_tokens_are_aligned(tokens: list[str | None], text: str, spans: list[str]) -> None:
    assert [text[start:end] for start, end in align(tokens, text)] == spans


@pytest.fixture(scope="module")
def fast_and_slow(tmp_path_factory: pytest.TempPathFactory) -> tuple[mlm.Tokenizer, mlm.Tokenizer]:
    """One tokenizer as the library has it, which knows offsets, and in Python."""
    from transformers import RoCBertTokenizer

    folder: Path = write("roc-bert", tmp_path_factory.mktemp("tokenizer"))
    return load_tokenizer(Checkpoint("fast", folder)), wrap_tokenizer(RoCBertTokenizer.from_pretrained(folder))


@given(text=TEXTS)
@settings(deadline=None, max_examples=100)
def test_aligned_offsets_are_those_of_a_tokenizer_that_knows_them(
    fast_and_slow: tuple[mlm.Tokenizer, mlm.Tokenizer], text: str
) -> None:
    fast, slow = (tokenizer.encode(text) for tokenizer in fast_and_slow)
    assert slow.ids == fast.ids
    assert slow.special == fast.special
    assert slow.offsets == fast.offsets
