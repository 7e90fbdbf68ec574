"""Figures of a run of the benchmarks, as a table and as a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

PICTURE = Path(__file__).with_name("figures.svg")


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        what: the measurement.
        against: the peer.
        ratio: our time or memory divided by the peer's.
        goal: the ratio to reach.
        note: an absolute value.
    """

    what: str
    against: str
    ratio: float | None
    goal: float | None
    note: str = ""

    @property
    def line(self) -> str:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        goal = "" if self.goal is None else f"{self.goal:.2f}"
        return f"| {self.what} | {self.against} | {ratio} | {goal} | {self.note} |"


@dataclass
class Figures:
    all: list[Figure] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        self.all.append(figure)

    def table(self) -> str:
        heading = ["| what | against | ratio | goal | |", "| --- | --- | --- | --- | --- |"]
        return "\n".join([*heading, *(figure.line for figure in self.all)])

    def draw(self, picture: Path) -> None:
        """Draw a bar for each ratio, a mark at its goal, and a line at 1 for the peer."""
        from matplotlib.figure import Figure as Canvas

        shown = [figure for figure in self.all if figure.ratio is not None][::-1]
        canvas = Canvas(figsize=(9, 0.4 * len(shown) + 1), layout="constrained")
        axes = canvas.subplots()
        axes.barh([figure.what for figure in shown], [figure.ratio or 0 for figure in shown], color="#4c78a8")
        for row, figure in enumerate(shown):
            if figure.goal is not None:
                axes.plot([figure.goal] * 2, [row - 0.4, row + 0.4], color="#e45756", linewidth=2)
        axes.axvline(1, color="gray", linewidth=1)
        axes.set(xlabel="ratio to the peer: less is better; red: the goal")
        canvas.savefig(picture)
