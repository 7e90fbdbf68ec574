"""Rows of token ids in arrays on disk: `prepare` writes them, `train` reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import StepError


class RowsError(StepError):
    """A folder of rows can't be read; the message states what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A number ``n`` of rows, each a passage of one document between ``[CLS]`` and ``[SEP]``.

    Attributes:
        tokens: uint16 [t], all rows concatenated.
        starts: int64 [n + 1]; row ``i`` is ``tokens[starts[i]:starts[i + 1]]``.
        sources: uint8 [n], an index into ``names``.
        unfinished: bool [n], whether the row breaks off within a sentence.
        names: the names of the sources.
    """

    tokens: NDArray[np.uint16]
    starts: NDArray[np.int64]
    sources: NDArray[np.uint8]
    unfinished: NDArray[np.bool_]
    names: tuple[str, ...]

    @classmethod
    def of(
        cls,
        rows: Sequence[Sequence[int]],
        sources: Sequence[int],
        names: Sequence[str],
        unfinished: Sequence[bool] | None = None,
    ) -> Rows:
        starts = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
        tokens = np.fromiter((token for row in rows for token in row), np.uint16, count=int(starts[-1]))
        cut = np.zeros(len(rows), np.bool_) if unfinished is None else np.array(unfinished, np.bool_)
        return cls(tokens, starts, np.array(sources, np.uint8), cut, tuple(names))

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> NDArray[np.uint16]:
        return self.tokens[self.starts[row] : self.starts[row + 1]]

    def of_one_length(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return rows of one length ``l``, given by their numbers, as an array [len(rows), l]."""
        length = int(self.lengths[rows[0]])
        stacked: NDArray[np.uint16] = self.tokens[self.starts[rows][:, None] + np.arange(length)]
        return stacked.astype(np.int64)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "tokens.npy", self.tokens)
        np.save(folder / "starts.npy", self.starts)
        np.save(folder / "sources.npy", self.sources)
        np.save(folder / "unfinished.npy", self.unfinished)
        (folder / "names.json").write_text(json.dumps(self.names))

    @classmethod
    def load(cls, folder: Path) -> Rows:
        """Read rows that :meth:`save` wrote; the tokens are mapped from the disk.

        Raises:
            RowsError: the folder contains no rows.
        """
        try:
            return cls(
                np.load(folder / "tokens.npy", mmap_mode="r"),
                np.load(folder / "starts.npy"),
                np.load(folder / "sources.npy"),
                np.load(folder / "unfinished.npy"),
                tuple(json.loads((folder / "names.json").read_text())),
            )
        except (OSError, ValueError) as error:
            raise RowsError(f"{folder} contains no rows ({error}): make them with `prepare`.") from error


def batches(
    rows: Rows, tokens: int, seed: int, repeats: Mapping[str, float] | None = None
) -> Iterator[NDArray[np.int64]]:
    """Yield batches of row numbers forever; all rows of a batch have one length, so nothing is padded.

    Args:
        tokens: maximum tokens of a batch.
        seed: determines the batches.
        repeats: how often an epoch contains the rows of a source, by its name; 1 by default, 0.5 for half of the rows.
    """
    often = np.array([(repeats or {}).get(name, 1.0) for name in rows.names])[rows.sources]
    lengths = rows.lengths
    for epoch in count():
        chance = np.random.default_rng((seed, epoch))
        times = np.floor(often + chance.random(len(rows))).astype(np.int64)
        shuffled = chance.permutation(np.repeat(np.arange(len(rows)), times))
        groups = (shuffled[lengths[shuffled] == length] for length in np.unique(lengths[shuffled]))
        epoch_batches = [
            group[start : start + size]
            for group in groups
            for size in (max(1, tokens // int(lengths[group[0]])),)
            for start in range(0, len(group), size)
        ]
        for number in chance.permutation(len(epoch_batches)):
            yield epoch_batches[number]
