"""The extension in VS Code as a person uses it: ``pytest -n 0 -m clients``, where ``install_vscode.sh`` was run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clients.browser import chromium
from clients.vscode import Window, code_server, wait

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.clients

PARIS = "Paris is the capital of [MASK]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "pictures"


@pytest.fixture(scope="module")
def shared(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """A window for most tests."""
    home = tmp_path_factory.mktemp("vscode")
    folder = home / "work"
    folder.mkdir()
    with code_server(home) as address:
        window = Window(browser, address, folder)
        yield window
        window.close()


@pytest.fixture
def window(shared: Window) -> Iterator[Window]:
    """The shared window, with nothing open before and after, and nothing that popped up unasked."""
    yield shared
    shared.tidy()
    assert shared.notifications.all_text_contents() == []


def words(window: Window) -> list[str]:
    """What the popup offers, as it is read out: the word and its probability."""
    offered = window.popup.filter(has_text="%")
    offered.first.wait_for()
    return [row.get_attribute("aria-label") or "" for row in offered.all()]


@pytest.mark.parametrize(
    ("name", "before"),
    [("notes.txt", "Of cities.\n\n"), ("notes.md", "# Cities\n\nSome *emphasis*.\n\n"), ("module.py", "x = [1]\n\n# ")],
)
def test_typing_a_mask_brings_words_and_enter_takes_one(
    window: Window, name: str, before: str, pictures: Path
) -> None:
    file = window.open(name, before)
    window.type(PARIS)
    offered = words(window)
    assert len(offered) == 10
    word = offered[1].split(",")[0]
    window.press("ArrowDown", "Enter")
    window.saved(file, f"{before}Paris is the capital of {word}")
    window.press("Control+z")
    window.saved(file, f"{before}{PARIS}")
