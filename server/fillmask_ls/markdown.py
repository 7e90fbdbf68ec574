"""Text of others inside Markdown."""

from __future__ import annotations

import re

_ACTIVE = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&$^=:@])")
_SPACE = re.compile(r"\s+")


def escaped(text: str) -> str:
    """``text`` in one line, with nothing in it that Markdown or HTML would act on."""
    return _ACTIVE.sub(r"\\\1", _SPACE.sub(" ", text))
