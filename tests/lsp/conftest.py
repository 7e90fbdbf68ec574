"""Three editors with their servers, and one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lsp.editor import Editor, capabilities, start, stop


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=["vscode", "neovim", "emacs"])
async def editor(request: pytest.FixtureRequest) -> AsyncIterator[Editor]:
    """Each of three editors, with its server."""
    started = await start(capabilities(request.param))
    yield started
    await stop(started)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def vscode() -> AsyncIterator[Editor]:
    started = await start(capabilities("vscode"))
    yield started
    await stop(started)
