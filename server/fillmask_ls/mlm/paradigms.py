"""Results of minimal pairs, as plain data without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from .records import Result


@dataclass(frozen=True, slots=True, repr=False)
class PairScore(Result):
    """The pseudo-log-likelihoods of two sentences, in nats.

    Attributes:
        good: the acceptable sentence.
        bad: the other.
        good_log_likelihood: of the acceptable sentence.
        bad_log_likelihood: of the other.
        paradigm: what the pair tests; empty if it was not given.
    """

    good: str
    bad: str
    good_log_likelihood: float
    bad_log_likelihood: float
    paradigm: str = ""

    @property
    def margin(self) -> float:
        """The difference of the log-likelihoods, in nats; above 0 if the model prefers the acceptable sentence.

        The command ``fillmask-ls pairs`` prints it in bits, unless ``--base`` names another unit.
        """
        return self.good_log_likelihood - self.bad_log_likelihood

    @property
    def correct(self) -> bool:
        """Whether the model prefers the acceptable sentence; a tie is not a preference."""
        return self.margin > 0


@dataclass(frozen=True, slots=True, repr=False)
class ParadigmScore(Result):
    """The accuracy on the pairs of a paradigm.

    Attributes:
        paradigm: its name.
        pair_count: the number of its pairs.
        correct_count: the number of pairs in which the model prefers the acceptable sentence.
        margin: the mean margin, in nats.
    """

    paradigm: str
    pair_count: int
    correct_count: int
    margin: float

    @property
    def accuracy(self) -> float:
        """The share of correct pairs, 0 to 1; 0 without pairs."""
        return self.correct_count / self.pair_count if self.pair_count else 0.0

    @property
    def low(self) -> float:
        """The lower end of the accuracy's 95 % interval (Wilson 1927)."""
        return max(0.0, self._center - self._half_width)

    @property
    def high(self) -> float:
        """The upper end of the accuracy's 95 % interval (Wilson 1927)."""
        return min(1.0, self._center + self._half_width)

    @property
    def _center(self) -> float:
        return (self.correct_count + _Z**2 / 2) / (self.pair_count + _Z**2)

    @property
    def _half_width(self) -> float:
        wrong = self.pair_count - self.correct_count
        spread = (self.correct_count * wrong / self.pair_count if self.pair_count else 0.0) + _Z**2 / 4
        return _Z * sqrt(spread) / (self.pair_count + _Z**2)


_Z = 1.959964
"""The normal distribution's quantile for 95 %."""


@dataclass(frozen=True, slots=True, repr=False)
class MinimalPairs(Result):
    """Minimal pairs and how often the model prefers the acceptable sentence.

    Attributes:
        pairs: the pairs, in order.
    """

    pairs: tuple[PairScore, ...]

    @property
    def accuracy(self) -> float:
        """The share of correct pairs, 0 to 1; 0 without pairs."""
        return self.total.accuracy

    @property
    def total(self) -> ParadigmScore:
        """All pairs as one paradigm."""
        return _summarize("all", self.pairs)

    @property
    def paradigms(self) -> tuple[ParadigmScore, ...]:
        """Each paradigm, in the order of first appearance."""
        names = dict.fromkeys(pair.paradigm for pair in self.pairs)
        return tuple(_summarize(name, [pair for pair in self.pairs if pair.paradigm == name]) for name in names)

    def to_records(self) -> list[dict[str, Any]]:
        """Return a row for each paradigm."""
        return [row for paradigm in self.paradigms for row in paradigm.to_records()]


def _summarize(name: str, pairs: Sequence[PairScore]) -> ParadigmScore:
    margin = sum(pair.margin for pair in pairs) / len(pairs) if pairs else 0.0
    return ParadigmScore(name, len(pairs), sum(pair.correct for pair in pairs), margin)
