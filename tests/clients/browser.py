"""A Chromium without a screen, where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def program() -> str | None:
    """Where it is: the variable ``CHROMIUM`` says so, or the ``PATH``."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that asks nobody for anything but what a test opens; ended afterwards."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = program()
    if path is None:
        pytest.skip("there is no Chromium here")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path,
            chromium_sandbox=False,
            args=["--disable-quic", "--no-first-run", "--disable-background-networking"],
        )
        yield browser
        browser.close()
