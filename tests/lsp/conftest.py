"""Fixtures: editors with their servers in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from lsp.editor import Editor, start, stop
from lsp.in_process import RawClient
from scripted_engine import ScriptedEngine

Connect = Callable[..., Awaitable[Editor]]


@pytest_asyncio.fixture
async def engine() -> ScriptedEngine:
    """The engine of all servers in a test."""
    return ScriptedEngine()


@pytest_asyncio.fixture
async def connect(engine: ScriptedEngine) -> AsyncIterator[Connect]:
    """Return a function that starts a server for an editor with given capabilities, settings and engine."""
    editors: list[Editor] = []

    async def begin(client: object = "vscode", **how: object) -> Editor:
        editor = await start(client, **{"local": engine, **how})  # type: ignore[arg-type]
        editors.append(editor)
        return editor

    yield begin
    for editor in editors:
        await stop(editor)


@pytest_asyncio.fixture(params=["vscode", "neovim", "emacs"])
async def editor(request: pytest.FixtureRequest, connect: Connect) -> Editor:
    """Each of three editors, with positions in UTF-16, UTF-8 and UTF-32."""
    return await connect(request.param)


@pytest_asyncio.fixture
async def vscode(connect: Connect) -> Editor:
    """An editor that supports all features."""
    return await connect("vscode")


@pytest_asyncio.fixture
async def bert(connect: Connect) -> Editor:
    """An editor whose server has the embedded model."""
    return await connect("vscode", local=None)


@pytest_asyncio.fixture
async def raw(engine: ScriptedEngine) -> AsyncIterator[RawClient]:
    """A client that sends any JSON to a server with the scripted engine."""
    client = RawClient(engine)
    yield client
    await client.leave()
