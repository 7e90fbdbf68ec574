"""Inspections made by hand, and texts that try to break a page."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from fillmask_ls.mlm.results import InspectedToken, Inspection, TokenCandidate

EVIL = "<script>alert(1)</script>\"'&amp;\x00\x1b\r\n\ud800\u202e\u2028👩‍👩‍👧 مرحبا</style></title>-->|[a](x:y)`*_{{ 7 * 7 }}"

any_text = st.text(st.characters(), max_size=80) | st.lists(
    st.sampled_from([EVIL, " ", "\n", "word", "<", "&lt;", "\x00", "\udc00", "[MASK]", "\u2067"]), max_size=12
).map("".join)


def make_inspection(text: str = "", *, masked: str = "", **changes: Any) -> Inspection:
    """Return an inspection of ``text``, one token per word; the words in ``masked`` are masked."""
    candidates = tuple(TokenCandidate(f"guess{number}", 0.1 / number) for number in range(1, 6))
    words = [InspectedToken(7, word[0], word.span(), False, "x", 0.25, 2, ()) for word in re.finditer(r"\S+", text)]
    words = [
        replace(word, masked=True, predictions=candidates, rank=1234) if word.token in masked.split() else word
        for word in words
    ]
    tokens = (
        InspectedToken(101, "[CLS]", (0, 0), False, "x", 0.0, 9),
        *words,
        InspectedToken(102, "[SEP]", (0, 0), False, "x", 1.0, 1),
    )
    inspection = Inspection("tiny", 7, 0.15, tokens, 1.5, 2.25 if masked else None, 2, 8, (9.5, 11.25, 2.0))
    return replace(inspection, **changes)


def shown(text: str) -> str:
    """Return what a page shows of ``text``: pictures for the characters that HTML cannot contain."""
    text = re.sub(r"\r\n?", "\n", text)
    return "".join(
        chr(0x2400 + ord(character))
        if character < " " and character not in "\t\n"
        else "␡"
        if character == "\x7f"
        else "\ufffd"
        if "\x80" <= character <= "\x9f" or "\ud800" <= character <= "\udfff"
        else character
        for character in text
    )
