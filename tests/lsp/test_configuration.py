"""Settings from the client: at ``initialize``, on request, and when they change."""

from __future__ import annotations

import pytest
from lsprotocol import types

from fillmask_ls.settings import Settings, merge_settings
from lsp.conftest import Connect
from lsp.editor import Editor
from lsp.in_process import Clock, RawClient

NO_CAPABILITIES = types.ClientCapabilities()


async def top_k(editor: Editor, uri: str = "") -> int:
    """Return the number of words in a completion list."""
    items = await editor.open("It was a [MASK]| day.", uri=uri).complete()
    assert items
    return len(items)


async def test_initialization_options_are_settings(connect: Connect) -> None:
    editor = await connect(NO_CAPABILITIES, options={"completion": {"topK": 3}})
    assert (await top_k(editor), editor.messages) == (3, [])


async def test_client_configuration_overrides_the_initialization_options(connect: Connect) -> None:
    configuration = {"fillmask": {"completion": {"topK": 4}}}
    editor = await connect("vscode", options={"completion": {"topK": 3}}, configuration=configuration)
    assert (await top_k(editor), editor.messages) == (4, [])


async def test_a_wrong_value_is_reported_and_the_default_holds(connect: Connect) -> None:
    editor = await connect(NO_CAPABILITIES, options={"completion": {"topK": "many"}, "colour": "red"})
    assert await top_k(editor) == 10
    assert len(editor.messages) == 2
    assert "fillmask.completion.topK must be a whole number from 1 to 100, not 'many'" in editor.messages[0]
    assert "fillmask.colour is not a setting" in editor.messages[1]


async def test_settings_change_while_running(connect: Connect) -> None:
    editor = await connect(NO_CAPABILITIES)
    for settings, expected in [
        ({"fillmask": {"completion": {"topK": 2}}}, 2),
        ({"fillmask": {"completion.topK": 5}}, 5),
        ({"fillmask": {"completion": {"topK": 0}}}, 10),
        ({"fillmask": {"completion": {"topK": 0}}}, 10),
        (None, 10),
        ([], 10),
        ({}, 10),
    ]:
        editor.push_settings(settings)
        assert await top_k(editor) == expected
    assert len([message for message in editor.messages if "completion.topK" in message]) == 1


async def test_a_folder_has_settings_of_its_own(connect: Connect) -> None:
    editor = await connect("vscode", configuration={"fillmask": {"completion": {"topK": 4}}})
    folder = "file:///folder%20one/"
    settings = {"fillmask": {"completion": {"topK": 2}, "model": "/no/such/model"}}
    editor.client.set_configuration(settings, scope_uri=folder)
    here = editor.open("It was a [MASK]| day.")
    there = editor.open("It was a [MASK]| day.", uri="file:///elsewhere.txt")
    assert [len(await document.complete() or []) for document in (here, there, here)] == [2, 4, 2]
    await editor.configure({"fillmask": {"completion": {"topK": 0}}}, scope_uri=folder)
    assert [len(await document.complete() or []) for document in (here, there)] == [4, 4]
    # The model is a setting of the whole server: a folder's value is ignored.
    [message] = editor.messages
    assert message.startswith("fillmask.completion.topK must be a whole number from 1 to 100, not 0")


async def test_settings_that_a_client_sends_late_are_applied(raw: RawClient) -> None:
    clock = Clock()
    await raw.initialize({"workspace": {"configuration": True}})
    raw.open("It was a [MASK] day.")
    hover = raw.send_request("textDocument/hover", raw.position_params(0, 12))
    request = await raw.wait_for_message("workspace/configuration")
    while not raw.has_response(hover):  # the server stops waiting for the settings
        await raw.request("workspace/executeCommand", {"command": "fillmask.status"})
        clock.advance(0.5)
    assert (await raw.wait_for_response(hover))["result"]
    raw.respond(request, [{"completion": {"topK": 3}}])
    # From now on, the server requests the document's own settings, too.
    completion = raw.send_request("textDocument/completion", raw.position_params(0, 15))
    raw.respond(await raw.wait_for_message("workspace/configuration"), [None])
    assert len((await raw.wait_for_response(completion))["result"]["items"]) == 3


@pytest.mark.parametrize(
    "nonsense", [[{}], 5, "x", {}, {"a": 1}, [], [[]], [5], [{"completion": [1]}], None, True], ids=repr
)
async def test_a_client_that_answers_nonsense_gets_the_defaults(raw: RawClient, nonsense: object) -> None:
    await raw.initialize({"workspace": {"configuration": True}})
    raw.respond(await raw.wait_for_message("workspace/configuration"), nonsense)
    await raw.request("workspace/executeCommand", {"command": "fillmask.status"})
    raw.open("It was a [MASK] day.")
    request_id = raw.send_request("textDocument/completion", raw.position_params(0, 15))
    await raw.request("workspace/executeCommand", {"command": "fillmask.status"})
    for request in [message for message in raw.messages if message["method"] == "workspace/configuration"]:
        raw.respond(request, nonsense)
    assert len((await raw.wait_for_response(request_id))["result"]["items"]) == 10


@pytest.mark.parametrize("value", [0, 101, -1, 1.5, True, "5", [5], {"x": 5}])
def test_a_count_is_a_whole_number_in_its_range(value: object) -> None:
    settings, problems = merge_settings(Settings(), {"hover": {"topK": value}})
    assert settings == Settings()
    assert len(problems) == 1


@pytest.mark.parametrize("values", [None, {}, {"fillmask": None}, {"completion": None}, {"model": None}])
def test_missing_values_change_nothing(values: object) -> None:
    assert merge_settings(Settings(), values) == (Settings(), [])


@pytest.mark.parametrize(
    "values", [[], 5, "x", {"fillmask": 5}, {"completion": []}, {"model": 7}, {"model": " "}, {1: 2}]
)
def test_values_that_are_not_settings_are_reported(values: object) -> None:
    settings, problems = merge_settings(Settings(), values)
    assert settings == Settings()
    assert len(problems) == 1
