"""The installed program with the embedded model, driven by the recorded clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls import MASK
from hub import Hub
from lsp.editor import Editor, start_program, stop
from shared_engine import SharedEngine

pytestmark = [pytest.mark.process, pytest.mark.asyncio(loop_scope="session")]

BETTER_MODEL = "google-bert/bert-base-uncased"


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=["neovim", "vscode"])
async def program(request: pytest.FixtureRequest) -> AsyncIterator[Editor]:
    """A recorded client with its server, one for the whole session."""
    editor = await start_program(request.param)
    await editor.wait_for_model()
    yield editor
    await stop(editor)


async def test_accepted_word_replaces_the_typed_mask(program: Editor) -> None:
    document = program.open("😀 The patient was taken to the | by ambulance.")
    document.type("[MASK]")
    items = await document.complete("]")
    assert items
    hospital = next(item for item in items if item.label == "hospital")
    assert document.text_after_accepting(hospital) == "😀 The patient was taken to the hospital by ambulance."


async def test_hover_shows_the_words_of_the_mask(program: Editor) -> None:
    hover = await program.open(f"😀 The patient was taken to the {MASK} by ambulance.").hover(MASK)
    assert hover is not None
    assert "hospital" in str(hover.contents)


async def test_a_command_fills_the_document(program: Editor) -> None:
    document = program.open(f"🙂 Paris is the {MASK} of {MASK}.\n\nIt was a {MASK} day.\n")
    await document.command("fillmask.fillAll")
    assert MASK not in document.text
    assert document.text.startswith("🙂 Paris is the ")


@asynccontextmanager
async def session(client: str = "vscode", **how: Any) -> AsyncIterator[Editor]:
    editor = await start_program(client, **how)
    try:
        yield editor
    finally:
        await stop(editor)


async def command(editor: Editor, name: str, *arguments: Any) -> dict[str, Any]:
    params = types.ExecuteCommandParams(f"fillmask.{name}", list(arguments))
    answer = await editor.client.workspace_execute_command_async(params)
    return answer if isinstance(answer, dict) else vars(answer) if hasattr(answer, "__dict__") else answer._asdict()


def download_token(editor: Editor) -> int | str:
    """Return the token of the progress bar of a download."""
    bars = editor.client.progress_reports.items()
    return next((token for token, reports in bars if reports and "Downloading" in (reports[0].title or "")), "")


async def test_a_model_is_downloaded_with_progress_and_then_answers(hub: Hub) -> None:
    async with session(options={"model": "embedded"}) as editor:
        await editor.wait_for_model()
        answer = await command(editor, "downloadModel", {"model": "some/model"})
        assert answer["model"] == "embedded"  # the settings name another one
        reports = editor.client.progress_reports[download_token(editor)]
        assert reports[0].kind == "begin"
        assert reports[0].cancellable
        assert reports[-1].message == "done"
        answer = await command(editor, "selectModel", {"model": "some/model"})
        assert (answer["state"], answer["model"], answer["error"]) == ("ready", "some/model", None)
        with pytest.raises(JsonRpcException, match="not on the hub"):
            await command(editor, "downloadModel", {"model": "no/such"})


async def test_a_download_is_cancelled_by_its_progress_bar(hub: Hub) -> None:
    hub.slow = True
    async with session(options={"model": "embedded"}) as editor:
        download = asyncio.ensure_future(command(editor, "downloadModel", {"model": "some/model"}))
        while len(editor.client.progress_reports.get(download_token(editor), [])) < 2:
            await editor.status()
        editor.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(download_token(editor)))
        with pytest.raises(JsonRpcException, match="cancel"):
            await download
        assert await editor.open(f"a {MASK}").hover(MASK)


async def test_the_better_model_is_offered_downloaded_and_used(hub: Hub) -> None:
    hub.model = BETTER_MODEL
    async with session("neovim") as editor:
        offered = asyncio.Event()

        @editor.client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
        def answer(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
            assert BETTER_MODEL in params.message
            offered.set()
            return (params.actions or [None])[0]

        await offered.wait()
        while (await command(editor, "status"))["model"] != BETTER_MODEL:
            await editor.wait_for_model()  # the download continues during these requests
    async with session("neovim") as editor:
        await editor.wait_for_model()
        assert (await command(editor, "status"))["model"] == BETTER_MODEL


async def test_with_a_shared_engine_no_model_is_loaded(shared_engine: SharedEngine) -> None:
    async with session(options={"engine": {"url": shared_engine.url}}) as editor:
        assert await editor.open(f"She drank a cup of {MASK}| with milk.").complete()
        assert (await editor.status())["engine"] == "remote"
        program = editor.client._server
        assert program is not None
        process = psutil.Process(program.pid)
        assert process.memory_info().rss < 150e6
        if hasattr(process, "memory_maps"):  # not on every system
            assert [each.path for each in process.memory_maps() if "libtorch" in each.path] == []
