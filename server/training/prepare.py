"""Convert text files to rows of tokens."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

from fillmask_ls.mlm.tokenization import Tokenizer

from .documents import documents
from .passages import break_off, passages
from .rows import Rows


def prepare(
    texts: Iterable[Path],
    tokenizer: Tokenizer,
    *,
    length: int = 128,
    short: float = 0.2,
    unfinished: float = 0.0,
    seed: int = 0,
) -> Rows:
    """Cut texts into rows of up to ``length`` tokens, each with whole sentences of one document.

    Args:
        texts: as for :func:`training.documents.documents`; each is a source, named after the file or folder.
        short: the share of rows (0 to 1) with only one or two sentences.
        unfinished: the share of rows (0 to 1) that break off after a word, as a text does while someone writes it.
        seed: of the choice of those rows.

    Raises:
        TextError: a file can't be read.
    """
    chance = random.Random(seed)  # noqa: S311
    rows: list[list[int]] = []
    sources: list[int] = []
    names: list[str] = []
    broken_off: list[bool] = []
    for path in texts:
        for document in documents(path):
            for passage in passages(document, tokenizer, length, short=short, chance=chance):
                start = break_off(passage, chance) if unfinished and chance.random() < unfinished else passage
                ids = tokenizer.encode(start, masks=()).ids
                if len(ids) > tokenizer.added_tokens:
                    rows.append(ids)
                    sources.append(len(names))
                    broken_off.append(start != passage)
        names.append(path.name.partition(".")[0])
    return Rows.of(rows, sources, names, broken_off)
