"""Every test here is a benchmark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.figures import PICTURE, Figures


@pytest.fixture(scope="session")
def figures() -> Iterator[Figures]:
    """Collects what is measured; at the end it is printed as a table and drawn."""
    found = Figures()
    yield found
    print(f"\n\n{found.table()}")
    found.draw(PICTURE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "benchmarks" in item.path.parts:
            item.add_marker(pytest.mark.benchmark)
            item.add_marker(pytest.mark.timeout(600))
