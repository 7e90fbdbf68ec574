"""Draw the cost of a keystroke and of the passage for its completion over the size of the document.

PYTHONPATH=tests python tests/benchmarks/cost_over_size.py PICTURE
"""

from __future__ import annotations

import sys

from matplotlib.figure import Figure

from benchmarks.paired_runs import medians
from benchmarks.test_documents import ours, prose, pygls

SIZES = [10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000]


def main(picture: str) -> None:
    costs = [medians(ours(text), pygls(text), rounds=15) for text in map(prose, SIZES)]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, milliseconds in zip(["fillmask-ls", "pygls' own document"], zip(*costs, strict=True), strict=True):
        axes.loglog(SIZES, milliseconds, marker="o", label=name)
    axes.set(xlabel="characters in the document", ylabel="milliseconds, median")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    figure.savefig(picture)


if __name__ == "__main__":
    main(sys.argv[1])
