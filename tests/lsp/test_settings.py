"""Settings as clients give them: at the start, when asked, when changed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lsprotocol import types

from fillmask_ls.settings import Settings, merge_settings
from lsp.editor import capabilities, start, stop
from wire import Wire

BARE = types.ClientCapabilities()


async def top_k(
    options: Any = None, configuration: dict[str, Any] | None = None, caps: types.ClientCapabilities = BARE
) -> tuple[int, list[str]]:
    """How many words a completion offers, and what the user was told."""
    editor = await start(caps, options=options, configuration=configuration)
    try:
        items = await editor.open("It was a [MASK]| day.").complete()
        assert items
        return len(items), [message.message for message in editor.client.messages]
    finally:
        await stop(editor)


async def test_from_the_initialization_options() -> None:
    assert await top_k({"completion": {"topK": 3}}) == (3, [])


async def test_from_the_clients_configuration_which_goes_first() -> None:
    configuration = {"fillmask": {"completion": {"topK": 4}}}
    assert await top_k({"completion": {"topK": 3}}, configuration, capabilities("vscode")) == (4, [])


async def test_a_wrong_value_is_reported_in_words_and_the_default_holds() -> None:
    count, messages = await top_k({"completion": {"topK": "many"}, "colour": "red"})
    assert count == 10
    assert len(messages) == 2
    assert "fillmask.completion.topK must be a whole number from 1 to 100, not 'many'. It stays 10." in messages[0]
    assert "fillmask.colour is not a setting" in messages[1]


async def test_changes_while_running() -> None:
    editor = await start(BARE)
    try:
        for settings, expected in [
            ({"fillmask": {"completion": {"topK": 2}}}, 2),
            ({"fillmask": {"completion.topK": 5}}, 5),
            ({"fillmask": {"completion": {"topK": 0}}}, 10),
            ({"fillmask": {"completion": {"topK": 0}}}, 10),
            (None, 10),
            ([], 10),
            ({}, 10),
        ]:
            editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings))
            items = await editor.open("It was a [MASK]| day.").complete()
            assert items is not None
            assert len(items) == expected
        messages = [message.message for message in editor.client.messages]
        assert len([m for m in messages if "completion.topK" in m]) == 1  # once, though it was wrong twice
    finally:
        await stop(editor)


async def test_a_folder_has_settings_of_its_own() -> None:
    editor = await start(capabilities("vscode"), configuration={"fillmask": {"completion": {"topK": 4}}})
    try:
        client, folder = editor.client, "file:///folder%20one/"
        client.set_configuration({"fillmask": {"completion": {"topK": 2}, "model": "/no/such/model"}}, scope_uri=folder)
        here = editor.open("It was a [MASK]| day.")
        there = editor.open("It was a [MASK]| day.", uri="file:///elsewhere.txt")
        assert [len(await document.complete() or []) for document in (here, there, here)] == [2, 4, 2]
        client.set_configuration({"fillmask": {"completion": {"topK": 0}}}, scope_uri=folder)
        client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
        assert [len(await document.complete() or []) for document in (here, there)] == [4, 4]
        # The model is the server's: no folder has another.
        assert [message.message for message in client.messages] == [
            "fillmask.completion.topK must be a whole number from 1 to 100, not 0. It stays 4."
        ]
    finally:
        await stop(editor)


def test_what_a_client_says_late_is_taken_all_the_same() -> None:
    with Wire() as wire:
        wire.initialize({"workspace": {"configuration": True}})
        wire.open("It was a [MASK] day.")
        asked = wire.ask("textDocument/hover", wire.at(0, 12))
        while (message := wire.receive()).get("method") != "workspace/configuration":
            pass
        assert wire.answer(asked)["result"]  # it goes on without
        assert len(wire.complete(0, 15)["items"]) == 10
        wire.send({"jsonrpc": "2.0", "id": message["id"], "result": [{"completion": {"topK": 3}}]})
        # From now on the client is asked for the document's own, too; it says nothing, and time passes once.
        counts = [len(wire.complete(0, 15)["items"]) for _ in range(3)]
        assert counts == [3, 3, 3]


def test_a_client_that_answers_nonsense_is_served_with_the_defaults() -> None:
    with Wire() as wire:
        wire.initialize({"workspace": {"configuration": True}})
        answers: list[object] = [[{}], 5, "x", {}, {"a": 1}, [], [[]], [5], [{"completion": [1]}], None, True]
        for number, answer in enumerate(answers):
            uri = f"file:///{number}.txt"  # the server's settings are asked for with the first document's
            wire.open("It was a [MASK] day.", uri)
            for _ in range(2):
                asked = wire.ask("textDocument/completion", wire.at(0, 15, uri))
                while (message := wire.receive()).get("id") != asked or "method" in message:
                    if message.get("method") == "workspace/configuration":
                        wire.send({"jsonrpc": "2.0", "id": message["id"], "result": answer})
                assert len(message["result"]["items"]) == 10 or number == 0
        assert wire.request("textDocument/hover", wire.at(0, 12, "file:///4.txt"))["result"]


async def model_in_use(editor: Any) -> str:
    hover = await editor.open("It was a [MASK] day.").hover("[MASK]")
    assert hover is not None
    return str(hover.contents.value).rpartition("Model: ")[2]


async def test_the_model_is_swapped_without_a_restart_and_the_old_one_stays_if_the_new_one_fails(broken: Any) -> None:
    folder = str(broken())
    editor = await start(BARE)
    try:
        assert await model_in_use(editor) == "embedded"
        editor.client.workspace_did_change_configuration(
            types.DidChangeConfigurationParams({"fillmask": {"model": folder}})
        )
        while await model_in_use(editor) != folder:
            await asyncio.sleep(0.1)
        editor.client.workspace_did_change_configuration(
            types.DidChangeConfigurationParams({"fillmask": {"model": "/no/such/model"}})
        )
        while not editor.client.messages:
            await asyncio.sleep(0.1)
        message = editor.client.messages[0]
        assert message.type == types.MessageType.Error
        assert "'/no/such/model'" in message.message
        assert f"{folder} goes on" in message.message
        assert await model_in_use(editor) == folder
    finally:
        await stop(editor)


async def test_a_first_model_that_can_not_be_loaded_gives_way_to_the_default() -> None:
    editor = await start(BARE, options={"model": "no/such"})
    try:
        assert await model_in_use(editor) == "embedded"
        [message] = editor.client.messages
        assert "'no/such'" in message.message
        assert "fillmask-ls download no/such" in message.message
    finally:
        await stop(editor)


@pytest.mark.parametrize("value", [0, 101, -1, 1.5, True, "5", [5], {"x": 5}])
def test_values_that_are_no_count(value: object) -> None:
    settings, problems = merge_settings(Settings(), {"hover": {"topK": value}})
    assert settings == Settings()
    assert len(problems) == 1


@pytest.mark.parametrize("values", [None, {}, {"fillmask": None}, {"completion": None}, {"model": None}])
def test_what_says_nothing_changes_nothing(values: object) -> None:
    assert merge_settings(Settings(), values) == (Settings(), [])


@pytest.mark.parametrize(
    "values", [[], 5, "x", {"fillmask": 5}, {"completion": []}, {"model": 7}, {"model": " "}, {1: 2}]
)
def test_what_is_no_settings_is_named(values: object) -> None:
    settings, problems = merge_settings(Settings(), values)
    assert settings == Settings()
    assert len(problems) == 1


async def test_models_chosen_one_after_another_are_no_error(broken: Any) -> None:
    folder = str(broken())
    editor = await start(BARE)
    try:
        for model in (folder, "embedded", folder):
            editor.client.workspace_did_change_configuration(
                types.DidChangeConfigurationParams({"fillmask": {"model": model}})
            )
        while await model_in_use(editor) != folder:
            await asyncio.sleep(0.1)
        assert editor.client.messages == []
    finally:
        await stop(editor)


async def test_a_model_that_was_mended_is_tried_again(broken: Any) -> None:
    folder = broken()
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text("{")
    editor = await start(BARE, options={"model": str(folder)})
    try:
        assert await model_in_use(editor) == "embedded"
        (folder / "config.json").write_text(config)
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({}))
        while await model_in_use(editor) != str(folder):
            await asyncio.sleep(0.1)
    finally:
        await stop(editor)


async def test_the_runtime_is_chosen_by_a_setting() -> None:
    editor = await start(BARE, options={"runtime": "openvino", "model": "embedded"})
    try:
        items = await editor.open("Paris is the capital of [MASK]|.").complete()
        assert items is not None
        assert "paris" in [item.label for item in items]
        assert editor.client.messages == []
    finally:
        await stop(editor)
