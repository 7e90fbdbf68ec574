"""A browser, and the window of VS Code that most of its tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clients.browser import chromium
from clients.editors import wait
from clients.vscode import Window, code_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "pictures"


@pytest.fixture(scope="module")
def shared(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """One of a new user."""
    home = tmp_path_factory.mktemp("vscode")
    with code_server(home) as address:
        window = Window(browser, address, home)
        window.open("first.txt")
        window.status.filter(has_text="embedded").wait_for()
        window.tidy()
        yield window
        window.close()


@pytest.fixture
def window(shared: Window) -> Iterator[Window]:
    """The shared window, with nothing open before and after, and nothing that popped up unasked."""
    yield shared
    shared.tidy()
    # A toast goes by itself after more than five seconds, progress as soon as it is done.
    wait(lambda: shared.notifications.count() == 0, "no notifications", 5)
