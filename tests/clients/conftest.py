"""Fixtures for tests in a browser: the browser, and the VS Code window that most tests of VS Code share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from clients.browser import launch_chromium
from clients.code_server import code_server
from clients.editors import wait_until
from clients.vscode import Window

if TYPE_CHECKING:
    from playwright.sync_api import Browser


# Not for the session: while a browser is open, Playwright keeps an event loop running, and pynvim can't start its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "screenshots"


@pytest.fixture(scope="module")
def shared_window(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    """A new user's window, with the server running."""
    home = tmp_path_factory.mktemp("vscode")
    with code_server(home) as url:
        window = Window(browser, url, home)
        window.open("first.txt")
        window.status_bar_item.filter(has_text="built-in").wait_for()
        window.close_editors()
        yield window
        window.close()


@pytest.fixture
def window(shared_window: Window) -> Iterator[Window]:
    """The shared window without open editors. The test fails if it leaves an unexpected notification behind."""
    yield shared_window
    shared_window.close_editors()
    # Progress disappears when it is done, and a toast after more than five seconds.
    wait_until(lambda: shared_window.notifications.count() == 0, "no notifications", 5)
