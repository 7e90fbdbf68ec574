"""Text of others inside Markdown."""

from __future__ import annotations

import regex

# What is active only at a line's beginning, or in an address or an entity, is left alone elsewhere: some editors show
# the backslashes.
_ACTIVE = regex.compile(r"[\\`*_\[\]<>|~$]|^[#+=-]|(?<=^\d+)[.)]|&(?=#?\w+;)|:(?=//)|(?<=\w)\.(?=\p{L})|@(?=\w)")
_SPACE = regex.compile(r"\s+")


def escape_markdown(text: str) -> str:
    """``text`` in one line, with nothing in it that Markdown or HTML would act on."""
    return _ACTIVE.sub(r"\\\g<0>", _SPACE.sub(" ", text).strip())
