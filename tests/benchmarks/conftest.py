"""Mark every test of this folder as a benchmark, and collect the figures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.figures import PICTURE, Figures


@pytest.fixture(scope="session")
def figures() -> Iterator[Figures]:
    """Collect figures; print them as a table and draw them at the end."""
    collected = Figures()
    yield collected
    print(f"\n\n{collected.table()}")
    collected.draw(PICTURE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "benchmarks" in item.path.parts:
            item.add_marker(pytest.mark.benchmark)
            item.add_marker(pytest.mark.timeout(600))
