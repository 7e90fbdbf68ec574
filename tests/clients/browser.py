"""Start a headless Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_chromium() -> str | None:
    """Return the path in the variable ``CHROMIUM``, or of a Chromium on the ``PATH``."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def launch_chromium() -> Iterator[Browser]:
    """Launch a browser without background requests, and close it afterwards. Skip the test if there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium found")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path,
            chromium_sandbox=False,
            args=["--disable-quic", "--no-first-run", "--disable-background-networking"],
        )
        yield browser
        browser.close()
