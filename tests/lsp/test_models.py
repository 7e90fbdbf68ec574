"""Choosing, fetching and being offered a model from the editor."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls import MASK
from hub import Hub
from lsp.editor import Editor, capabilities, start, stop
from wire import Wire

BETTER = "google-bert/bert-base-uncased"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "assets"))
        yield server
        server.shutdown()


@asynccontextmanager
async def session(**how: Any) -> AsyncIterator[Editor]:
    editor = await start(how.pop("caps", capabilities("vscode")), **how)
    try:
        yield editor
    finally:
        await stop(editor)


async def command(editor: Editor, name: str, *arguments: Any) -> dict[str, Any]:
    params = types.ExecuteCommandParams(f"fillmask.{name}", list(arguments))
    answer = await editor.client.workspace_execute_command_async(params)
    return answer if isinstance(answer, dict) else vars(answer) if hasattr(answer, "__dict__") else answer._asdict()


def downloading(editor: Editor) -> int | str:
    """The token of the bar that shows how a download goes."""
    bars = editor.client.progress_reports.items()
    return next((token for token, reports in bars if reports and "Downloading" in (reports[0].title or "")), "")


async def test_a_model_is_fetched_with_progress_and_then_answers(hub: Hub) -> None:
    async with session(options={"model": "embedded"}) as editor:
        await editor.open(f"a {MASK}").hover(MASK)
        answer = await command(editor, "downloadModel", {"model": "some/model"})
        assert answer["model"] == "embedded"  # the settings name another
        reports = editor.client.progress_reports[downloading(editor)]
        assert reports[0].kind == "begin"
        assert reports[0].cancellable
        assert reports[-1].message == "done"
        answer = await command(editor, "selectModel", {"model": "some/model"})
        assert (answer["state"], answer["model"], answer["error"]) == ("ready", "some/model", None)


async def test_a_model_that_can_not_be_chosen_or_fetched_is_told(hub: Hub) -> None:
    async with session(options={"model": "embedded"}) as editor:
        await editor.open(f"a {MASK}").hover(MASK)
        answer = await command(editor, "selectModel", {"model": "no/such"})
        assert (answer["state"], answer["model"]) == ("ready", "embedded")
        assert "no/such" in answer["error"]
        with pytest.raises(JsonRpcException, match="not on the hub"):
            await command(editor, "downloadModel", {"model": "no/such"})


async def test_a_download_is_cancelled_by_the_user(hub: Hub) -> None:
    hub.slowly = True
    async with session(options={"model": "embedded"}) as editor:
        fetching = asyncio.ensure_future(command(editor, "downloadModel", {"model": "some/model"}))
        while len(editor.client.progress_reports.get(downloading(editor), [])) < 2:
            await asyncio.sleep(0.02)
        editor.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(downloading(editor)))
        with pytest.raises(JsonRpcException, match="cancelled"):
            await fetching
        assert await editor.open(f"a {MASK}").hover(MASK)


async def test_the_better_model_is_offered_once(hub: Hub) -> None:
    hub.model = BETTER
    for expected in (1, 0):
        async with session(caps=capabilities("neovim")) as editor:
            asked: list[types.ShowMessageRequestParams] = []

            @editor.client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
            def ask(
                params: types.ShowMessageRequestParams, asked: list[types.ShowMessageRequestParams] = asked
            ) -> types.MessageActionItem | None:
                asked.append(params)
                return (params.actions or [None])[0]

            await editor.open(f"a {MASK}").hover(MASK)
            for _ in range(100):
                status = await command(editor, "status")
                if status["model"] == BETTER:
                    break
                await asyncio.sleep(0.1)
            assert status["model"] == BETTER
            assert len(asked) == expected


@pytest.mark.parametrize("name", ["selectModel", "downloadModel"])
async def test_a_workspace_that_is_not_trusted_chooses_no_model(name: str) -> None:
    async with session(options={"trusted": False, "model": "no/such", "completion": {"topK": 3}}) as editor:
        items = await editor.open(f"It was a {MASK}| day.").complete()
        assert items
        assert len(items) == 3
        [message] = editor.client.messages
        assert "fillmask.model is ignored until the workspace is trusted" in message.message
        with pytest.raises(JsonRpcException, match="not trusted"):
            await command(editor, name, {"model": "embedded"})
        assert (await command(editor, "status"))["model"] == "embedded"


async def test_without_trust_the_users_own_model_is_taken_and_the_workspaces_is_not(broken: Callable[[], Path]) -> None:
    mine = str(broken())  # whole still
    options = {"trusted": False, "userSettings": {"model": mine, "dtype": "float99"}, "model": "no/such"}
    later = {"fillmask": {"model": "embedded", "completion": {"topK": 3}}}  # of the workspace, for all the server knows
    async with session(options=options, configuration=later) as editor:
        assert len(await editor.open(f"It was a {MASK}| day.").complete() or []) == 3
        assert (await command(editor, "status"))["model"] == mine
        [wrong, refused] = [message.message for message in editor.client.messages]
        assert "fillmask.dtype must be auto" in wrong
        assert f"fillmask.model is ignored until the workspace is trusted. It stays {mine!r}" in refused


async def test_a_client_that_asks_for_it_is_told_the_status() -> None:
    caps = capabilities("vscode")
    caps.experimental = {"fillmaskStatus": True}
    async with session(caps=caps) as editor:
        told: list[Any] = []
        editor.client.feature("fillmask/status")(lambda params: told.append((params.state, params.model)))
        await editor.open(f"a {MASK}").hover(MASK)
        while not told or told[-1][0] != "ready":
            await asyncio.sleep(0.05)
        assert told[-1] == ("ready", "embedded")


async def test_a_client_without_capabilities_has_completion_and_hover_and_is_told_of_nothing_else() -> None:
    async with session(caps=types.ClientCapabilities()) as editor:
        offered = editor.result.capabilities
        assert offered.completion_provider
        assert offered.hover_provider
        others = (offered.inlay_hint_provider, offered.code_action_provider, offered.inline_completion_provider)
        assert others == (None, None, None)
        document = editor.open(f"It was a {MASK}| day.")
        assert await document.complete()
        assert await document.hover(MASK)


@pytest.mark.skipif(os.name != "posix", reason="makes a file that can be held back")
def test_while_the_first_model_loads_a_completion_is_empty_and_to_be_asked_for_again(
    broken: Callable[[], Path],
) -> None:
    config = broken() / "config.json"
    whole = config.rename(config.with_suffix(".whole"))
    os.mkfifo(config)  # who reads it waits for who writes it
    with Wire() as wire:
        wire.initialize(initializationOptions={"model": str(config.parent)})
        wire.open("It was a [MASK] day.")
        assert wire.complete(0, 15) == {"isIncomplete": True, "items": []}
        assert wire.complete(0, 5) is None
        with config.open("wb") as pipe:
            whole.replace(config)
            pipe.write(config.read_bytes())
        assert len(wire.complete(0, 15)["items"]) == 10
