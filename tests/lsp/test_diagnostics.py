"""Words that don't fit are marked: for editors that pull, and for those that wait to be told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp.editor import Document, Editor, capabilities, start, stop
from wire import Wire

asynchronous = pytest.mark.asyncio(loop_scope="session")

ODD = "😀 The king and the queen lived in a large guitar near the river."
FINE = ODD.replace("guitar", "house")


def enabled(**others: Any) -> dict[str, Any]:
    return {"fillmask": {"diagnostics": {"enabled": True, **others}}}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def puller() -> AsyncIterator[Editor]:
    started = await start(capabilities("vscode"), configuration=enabled())
    yield started
    await stop(started)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def listener() -> AsyncIterator[Editor]:
    started = await start(capabilities("emacs"), configuration=enabled())
    yield started
    await stop(started)


def items(report: types.DocumentDiagnosticReport) -> list[types.Diagnostic]:
    assert isinstance(report, types.RelatedFullDocumentDiagnosticReport)
    return list(report.items)


async def marked(document: Document) -> list[str]:
    return [document.at(item.range) for item in items(await document.diagnose())]


async def pushed(document: Document) -> list[str]:
    """What is marked, when the document's latest version was looked at."""
    client = document.editor.client
    versions: list[int | None] = []

    def is_there() -> bool:
        versions[:] = [found.version for found in published(document)]
        return bool(versions) and versions[-1] == document.version

    await until(is_there)
    return [document.at(item.range) for item in client.diagnostics[document.uri]]


def published(document: Document) -> list[types.PublishDiagnosticsParams]:
    noted: list[types.PublishDiagnosticsParams] = getattr(document.editor, "published", [])
    return [params for params in noted if params.uri == document.uri]


async def until(holds: Any) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


@asynchronous
async def test_a_pull_says_what_and_what_was_expected(puller: Editor) -> None:
    options = puller.result.capabilities.diagnostic_provider
    assert isinstance(options, types.DiagnosticOptions)
    assert (options.identifier, options.inter_file_dependencies, options.workspace_diagnostics) == (
        "fillmask",
        False,
        False,
    )
    document = puller.open(f"{FINE}\n\n{ODD}\n")
    [item] = items(await document.diagnose())
    assert document.at(item.range) == "guitar"
    assert document.index(item.range.start) > len(FINE)
    assert (item.source, item.code, item.severity) == ("fillmask", "unlikely-word", types.DiagnosticSeverity.Hint)
    words = item.data["words"]
    assert len(words) == 5
    assert item.message.startswith(f"“guitar” is unlikely here: the model expects {words[0]} (")
    assert item.message.endswith((f" or {words[1]}.", f" or {words[2]}."))
    assert puller.client.diagnostics == {}


@asynchronous
async def test_an_edit_removes_the_finding_and_what_is_as_it_was_is_not_sent_again(puller: Editor) -> None:
    document = puller.open(ODD)
    report = await document.diagnose()
    assert len(items(report)) == 1
    again = await document.diagnose(report.result_id)
    assert isinstance(again, types.RelatedUnchangedDocumentDiagnosticReport)
    assert again.result_id == report.result_id
    document.replace("guitar", "house")
    fine = await document.diagnose(report.result_id)
    assert items(fine) == []
    document.replace("house", "guitar")
    assert (await document.diagnose(fine.result_id)).result_id == report.result_id


@asynchronous
async def test_a_pull_ends_when_the_document_changes(puller: Editor) -> None:
    document = puller.open(ODD)
    pull = asyncio.ensure_future(document.diagnose())
    await asyncio.sleep(0.1)
    document.type(" And")
    with pytest.raises(JsonRpcException) as raised:
        await pull
    assert raised.value.code == types.LSPErrorCodes.ServerCancelled
    assert raised.value.data == {"retriggerRequest": False}
    assert await marked(document) == ["guitar"]


@asynchronous
@pytest.mark.parametrize(
    ("text", "language"),
    [
        (FINE, "plaintext"),
        (ODD.replace("guitar", "Guitar"), "plaintext"),
        (ODD.replace("guitar", "[MASK]"), "plaintext"),
        (ODD.replace("guitar", "guitar/house"), "plaintext"),
        (ODD.replace("guitar", "guitar.com"), "plaintext"),
        (ODD.replace("guitar", "xylophonic"), "plaintext"),
        (ODD.replace("guitar", "`guitar`"), "markdown"),
        (f"```\n{ODD}\n```\n", "markdown"),
        (ODD.replace("guitar", "<code>guitar</code>"), "html"),
        (ODD.replace("guitar", "\\texttt{guitar}"), "latex"),
        (ODD.replace("guitar", "=guitar="), "org"),
        (f"# {ODD}\n", "python"),
        ("", "plaintext"),
    ],
)
async def test_nothing_to_say(puller: Editor, text: str, language: str) -> None:
    assert await marked(puller.open(text, language)) == []


@asynchronous
@pytest.mark.parametrize("language", ["markdown", "tex", "rst", "text", "gitcommit", "typst", "org", "html"])
async def test_languages_by_their_other_names(puller: Editor, language: str) -> None:
    assert await marked(puller.open(ODD, language)) == ["guitar"]


@asynchronous
async def test_editors_that_do_not_pull_are_told_when_it_is_quiet(listener: Editor) -> None:
    document = listener.open(ODD.replace("guitar", "gui|"))
    note(listener)
    document.type("tar")
    assert await pushed(document) == ["guitar"]
    assert [params.version for params in published(document)] == [4]  # none for what was typed on the way
    document.replace("guitar", "house")
    assert await pushed(document) == []
    document.replace("house", "guitar")
    assert await pushed(document) == ["guitar"]
    document.close()
    await until(lambda: not listener.client.diagnostics[document.uri])


def note(editor: Editor) -> None:
    """Keep what is published, which the client keeps only the latest of."""
    if hasattr(editor, "published"):
        return
    noted: list[types.PublishDiagnosticsParams] = []
    editor.published = noted  # type: ignore[attr-defined]
    handle = editor.client.protocol.fm.features[types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS]

    def keep(params: types.PublishDiagnosticsParams) -> None:
        noted.append(params)
        handle(params)

    editor.client.protocol.fm.features[types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS] = keep


@asynchronous
async def test_off_by_default_and_changed_at_run_time() -> None:
    editor = await start(capabilities("emacs"), configuration={"fillmask": {}})
    note(editor)
    try:
        document = editor.open(f"# {ODD}\n", "python")

        async def configure(settings: dict[str, Any]) -> None:
            editor.client.set_configuration(settings)
            editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({}))

        await asyncio.sleep(1.5)
        assert published(document) == []
        await configure(enabled())
        await asyncio.sleep(1.5)
        assert published(document) == []  # not in Python
        await configure(enabled(languages=[], severity="information"))
        assert await pushed(document) == ["guitar"]
        [item] = editor.client.diagnostics[document.uri]
        assert item.severity == types.DiagnosticSeverity.Information
        await configure({"fillmask": {}})
        await until(lambda: not editor.client.diagnostics[document.uri])
    finally:
        await stop(editor)


@asynchronous
async def test_a_puller_is_asked_to_pull_when_settings_change() -> None:
    editor = await start(capabilities("neovim"), configuration={"fillmask": {}})
    try:
        document = editor.open(ODD)
        assert items(await document.diagnose()) == []
        assert editor.client.diagnostic_refresh_count == 0
        for settings, expected in [
            (enabled(), ["guitar"]),
            (enabled(threshold=100), []),
            (enabled(minimumLength=7), []),
            (enabled(threshold=15), ["guitar"]),
        ]:
            count = editor.client.diagnostic_refresh_count
            editor.client.set_configuration(settings)
            editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({}))
            await until(lambda: editor.client.diagnostic_refresh_count > count)  # noqa: B023
            assert await marked(document) == expected
    finally:
        await stop(editor)


def test_ten_megabytes_hold_nobody_up() -> None:
    line = "The king and the queen lived in a large house near the river, and nobody was there in {}.\n\n"
    with Wire() as wire:
        wire.initialize({"textDocument": {"diagnostic": {}}}, initializationOptions={"diagnostics": {"enabled": True}})
        wire.open("The man was taken to the [MASK] by ambulance.", "file:///a.txt")
        wire.open("".join(map(line.format, range(20))) * 5_500, "file:///large.txt")
        assert wire.complete(0, 31)
        wire.edit((100_000, 40), (100_000, 45), "guitar", 2, "file:///large.txt")
        pull = wire.ask("textDocument/diagnostic", {"textDocument": {"uri": "file:///large.txt"}})
        slowest = 0.0
        for number in range(8):
            time.sleep(0.1)
            wire.open(f"The man was {'very ' * number}taken to the [MASK].", "file:///a.txt")
            begun = time.perf_counter()
            assert wire.complete(0, 31 + 5 * number)
            slowest = max(slowest, time.perf_counter() - begun)
        assert slowest < 2
        earlier = [message for message in wire.notifications if message.get("id") == pull and "result" in message]
        found = (earlier or [wire.answer(pull)])[0]["result"]["items"]
        assert [item["range"]["start"] for item in found] == [{"line": 100_000, "character": 40}]
