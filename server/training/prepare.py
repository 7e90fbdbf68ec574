"""Convert text files to rows of tokens."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

from fillmask_ls.mlm.tokenization import Tokenizer

from .passages import documents, passages
from .rows import Rows


def prepare(
    texts: Iterable[Path], tokenizer: Tokenizer, *, length: int = 128, short: float = 0.2, seed: int = 0
) -> Rows:
    """Cut texts into rows of up to ``length`` tokens, each with whole sentences of one document.

    Args:
        texts: as for :func:`training.passages.documents`; each file is a source, named after the file.
        short: the share of rows (0 to 1) with only one or two sentences.
        seed: of the choice of those rows.

    Raises:
        TextError: a file can't be read.
    """
    chance = random.Random(seed)  # noqa: S311
    rows: list[list[int]] = []
    sources: list[int] = []
    names: list[str] = []
    for path in texts:
        for document in documents(path):
            for passage in passages(document, tokenizer, length, short=short, chance=chance):
                ids = tokenizer.encode(passage, masks=()).ids
                if len(ids) > tokenizer.added_tokens:
                    rows.append(ids)
                    sources.append(len(names))
        names.append(path.name.partition(".")[0])
    return Rows.of(rows, sources, names)
