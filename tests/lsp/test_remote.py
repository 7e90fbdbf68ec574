"""A shared engine in the editor: configured, reported, unavailable and available again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from lsprotocol import types

from fillmask_ls import MASK, mlm
from fillmask_ls.presentation.wording import model_in_words
from fillmask_ls.settings import Settings, merge_settings, schema
from lsp.editor import Editor, capabilities, start, stop
from shared_engine import SharedEngine, running
from wire import Wire

SECRET = "s3cret-t0ken"


@asynccontextmanager
async def session(**options: Any) -> AsyncIterator[Editor]:
    editor = await start(options.pop("caps", capabilities("vscode")), options=options)
    try:
        yield editor
    finally:
        await stop(editor)


@pytest.mark.parametrize("protocol", ["shared_engine", "hub_endpoint"])
async def test_a_shared_engine_answers_completion_and_hover(protocol: str, request: pytest.FixtureRequest) -> None:
    server: SharedEngine = request.getfixturevalue(protocol)
    # Without a fallback, the timeout is 30 s instead of 2 s: the machine may be busy.
    async with session(engine={"url": server.url, "fallback": False}, engineToken=SECRET) as editor:
        document = editor.open(f"She drank a cup of {MASK}| with milk.")
        items = await document.complete()
        assert items
        assert "tea" in [item.label for item in items]
        assert document.text_after_accepting(items[0]) == f"She drank a cup of {items[0].label} with milk."
        hover = await document.hover(MASK)
        assert hover
        assert isinstance(hover.contents, types.MarkupContent)
        text = hover.contents.value
        # The entropy needs the probabilities of all words, which the hub's protocol doesn't contain.
        assert ("like choosing among" in text) is (protocol == "shared_engine")
        status = await editor.status()
        assert (status["state"], status["engine"], status["error"]) == ("ready", "remote", None)
        assert (status["host"], status["leavesMachine"]) == (server.url.removeprefix("http://"), False)
        assert text.replace("\\", "").endswith(f"Model: {model_in_words(status['model'])}*")
        assert {token for _, token, _ in server.requests} == {f"Bearer {SECRET}"}
        assert editor.messages == []


async def test_an_unavailable_engine_is_reported_once_and_used_again_when_it_returns(
    model: mlm.MaskedLM,
) -> None:
    server = SharedEngine(model)
    port = server.server_port
    server.server_close()
    engine = {"url": f"http://127.0.0.1:{port}/"}
    async with session(caps=types.ClientCapabilities(), engine=engine, completion={"topK": 7}) as editor:
        document = editor.open(f"She drank a cup of {MASK}| with milk.")
        assert len(await document.complete() or []) == 7
        assert len(await document.complete() or []) == 7
        [message] = editor.messages
        assert f"127.0.0.1:{port} refuses connections" in message
        assert "The model on this machine answers meanwhile." in message
        status = await editor.status()
        assert (status["state"], status["engine"], status["model"]) == ("ready", "local", "embedded")
        assert "refuses connections" in status["error"]
        with running(SharedEngine(model, port=port)) as server:
            await editor.wait_until_status(lambda status: status["engine"] == "remote")
            assert await document.hover(MASK)
            assert server.questions
            # Without an engine in the settings, nothing is sent from now on.
            editor.push_settings({"fillmask": {"engine": {"url": ""}}})
            await editor.wait_until_status(lambda status: status["host"] is None)
            requests = len(server.questions)
            assert await editor.open(f"It was a {MASK} day.").hover(MASK)
            assert len(server.questions) == requests
        assert len(editor.messages) == 1


async def test_without_a_fallback_the_error_says_why() -> None:
    async with session(engine={"url": "http://127.0.0.1:1", "fallback": False}) as editor:
        with pytest.raises(Exception, match="refuses connections"):
            await editor.open(f"It was a {MASK}| day.").complete()
        assert (await editor.status())["state"] == "failed"
        with pytest.raises(Exception, match="chooses its model itself"):
            await editor.client.workspace_execute_command_async(
                types.ExecuteCommandParams("fillmask.selectModel", [{"model": "embedded"}])
            )


async def test_an_untrusted_workspace_uses_no_shared_engine(shared_engine: SharedEngine) -> None:
    async with session(engine={"url": shared_engine.url}, trusted=False) as editor:
        status = await editor.status()
        assert (status["engine"], status["host"], status["leavesMachine"]) == ("local", None, False)
        await editor.wait_until(lambda: bool(editor.messages))
        assert "fillmask.engine.url" in editor.messages[0]
    assert shared_engine.requests == []


@pytest.mark.process
def test_the_token_is_in_no_log(shared_engine: SharedEngine) -> None:
    with Wire("--log", "messages") as wire:
        engine = {"url": shared_engine.url, "fallback": False}
        wire.initialize(initializationOptions={"engine": engine, "engineToken": SECRET})
        wire.open("It was a [MASK] day.")
        assert wire.complete(0, 15)["items"]
        shared_engine.fault = "refuses"  # with the token in the error
        wire.open("It was a [MASK] night.", "file:///b.txt")
        error = wire.request("textDocument/hover", wire.position_params(0, 12, "file:///b.txt"))["error"]["message"]
        assert "refuses the token" in error
        assert SECRET not in error
        wire.request("shutdown")
        wire.notify("exit")
        assert wire.process.stderr
        log = wire.process.stderr.read().decode()
        assert "It was a [MASK] day." in log
        assert "refuses the token" in log
        assert SECRET not in log
        assert SECRET not in json.dumps(wire.notifications)


@pytest.mark.parametrize(
    "url",
    [
        "https://engine.example.org",
        "https://engine.example.org:8443/bert/",
        "http://localhost:8000",
        "http://[::1]:80",
        "",
    ],
)
def test_secure_and_loopback_addresses_are_accepted(url: str) -> None:
    settings, problems = merge_settings(Settings(), {"engine.url": url})
    assert (settings.engine_url, problems) == (url.rstrip("/"), [])


@pytest.mark.parametrize(
    "url",
    [
        "http://engine.example.org",  # text and token could be intercepted
        "http://127.0.0.1.example.org",
        "https://user:s3cret@example.org",
        "https://example.org/?token=s3cret",
        "https://",
        "example.org",
        "ftp://example.org",
        "https://example.org:port",
        5,
    ],
)
def test_other_addresses_are_refused(url: object) -> None:
    settings, [problem] = merge_settings(Settings(), {"engine.url": url})
    assert settings.engine_url == ""
    assert "fillmask.engine.url must be https://HOST" in problem
    assert "s3cret" not in problem


def test_workspace_settings_cannot_name_an_engine() -> None:
    scopes = {name: each["scope"] for name, each in schema().items() if ".engine." in name}
    assert set(scopes.values()) == {"machine"}
    assert len(scopes) == 3
    assert not [name for name in schema() if "token" in name.lower() and "context" not in name]
