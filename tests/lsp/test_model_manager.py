"""Models: choosing and loading them from the editor, and the status."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls import MASK
from lsp.conftest import Connect
from lsp.editor import Editor, capabilities
from scripted_engine import ScriptedEngine

NO_CAPABILITIES = types.ClientCapabilities()


async def command(editor: Editor, name: str, *arguments: Any) -> dict[str, Any]:
    params = types.ExecuteCommandParams(f"fillmask.{name}", list(arguments))
    answer = await editor.client.workspace_execute_command_async(params)
    return answer if isinstance(answer, dict) else vars(answer) if hasattr(answer, "__dict__") else answer._asdict()


async def model_in_use(editor: Editor) -> str:
    """Return the name of the model in a hover."""
    hover = await editor.open(f"It was a {MASK} day.").hover(MASK)
    assert hover is not None
    return str(hover.contents.value).rpartition("Model: ")[2].rstrip("*").replace("small built-in model", "embedded")


async def test_the_model_changes_while_running_and_stays_if_the_next_one_fails(
    connect: Connect, engine: ScriptedEngine
) -> None:
    engine.load_errors["no/such"] = "Model 'no/such' not found."
    editor = await connect(NO_CAPABILITIES)
    assert await model_in_use(editor) == "embedded"
    editor.push_settings({"fillmask": {"model": "other"}})
    assert await model_in_use(editor) == "other"
    editor.push_settings({"fillmask": {"model": "no/such"}})
    await editor.wait_until(lambda: bool(editor.client.messages))
    [message] = editor.client.messages
    assert message.type == types.MessageType.Error
    assert "'no/such'" in message.message
    assert "other" in message.message
    assert await model_in_use(editor) == "other"


async def test_default_model_is_loaded_if_the_first_one_fails(connect: Connect, engine: ScriptedEngine) -> None:
    engine.load_errors["no/such"] = "Model 'no/such' not found."
    editor = await connect(NO_CAPABILITIES, options={"model": "no/such"})
    await editor.settle()
    assert await model_in_use(editor) == "embedded"
    [message] = editor.messages
    assert "'no/such'" in message
    assert engine.load_requests == ["no/such", "auto"]


async def test_a_checkpoint_that_is_not_in_the_cache_is_reported_with_the_command_to_run(connect: Connect) -> None:
    editor = await connect(NO_CAPABILITIES, options={"model": "no/such"}, local=None)
    assert await model_in_use(editor) == "embedded"
    [message] = editor.messages
    assert "fillmask-ls download no/such" in message


async def test_last_of_several_chosen_models_is_loaded_without_errors(connect: Connect, engine: ScriptedEngine) -> None:
    editor = await connect(NO_CAPABILITIES)
    await editor.wait_for_model()
    engine.hold_loading()
    for model in ("one", "two", "three"):
        editor.push_settings({"fillmask": {"model": model}})
    await engine.wait_until(lambda: engine.load_requests[-1] == "three")
    await engine.release()
    await engine.wait_until(lambda: engine.model_name == "three")
    assert await model_in_use(editor) == "three"
    assert editor.messages == []


async def test_a_repaired_checkpoint_can_be_selected(connect: Connect, copy_checkpoint: Callable[[], Path]) -> None:
    folder = copy_checkpoint()
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text("{")
    editor = await connect(NO_CAPABILITIES, options={"model": str(folder)}, local=None)
    assert await model_in_use(editor) == "embedded"
    (folder / "config.json").write_text(config)
    assert (await command(editor, "selectModel", {"model": str(folder)}))["model"] == str(folder)
    assert await model_in_use(editor) == str(folder)


async def test_select_model_loads_a_model_or_says_why_not(connect: Connect, engine: ScriptedEngine) -> None:
    engine.load_errors["no/such"] = "Model 'no/such' not found."
    editor = await connect("vscode", options={"model": "embedded"})
    await editor.wait_for_model()
    answer = await command(editor, "selectModel", {"model": "some/model"})
    assert (answer["state"], answer["model"], answer["error"]) == ("ready", "some/model", None)
    answer = await command(editor, "selectModel", {"model": "no/such"})
    assert (answer["state"], answer["model"]) == ("ready", "some/model")
    assert "no/such" in answer["error"]


@pytest.mark.parametrize("name", ["selectModel", "downloadModel"])
async def test_an_untrusted_workspace_cannot_change_the_model(connect: Connect, name: str) -> None:
    editor = await connect("vscode", options={"trusted": False, "model": "no/such", "completion": {"topK": 3}})
    items = await editor.open(f"It was a {MASK}| day.").complete()
    assert items
    assert len(items) == 3
    [message] = editor.messages
    assert "fillmask.model" in message
    assert "trusted" in message
    with pytest.raises(JsonRpcException, match="Trust the workspace"):
        await command(editor, name, {"model": "embedded"})
    assert (await editor_status(editor))["model"] == "embedded"


async def test_an_untrusted_workspace_uses_the_users_own_model(connect: Connect) -> None:
    options = {"trusted": False, "userSettings": {"model": "mine", "dtype": "float99"}, "model": "no/such"}
    later = {"fillmask": {"model": "embedded", "completion": {"topK": 3}}}  # may come from the workspace
    editor = await connect("vscode", options=options, configuration=later)
    assert len(await editor.open(f"It was a {MASK}| day.").complete() or []) == 3
    assert (await editor_status(editor))["model"] == "mine"
    [wrong, refused] = editor.messages
    assert "fillmask.dtype must be auto" in wrong
    assert "trusted" in refused
    assert "'mine'" in refused


async def editor_status(editor: Editor) -> dict[str, Any]:
    return await command(editor, "status")


async def test_status_says_which_model_answers(connect: Connect, engine: ScriptedEngine) -> None:
    engine.hold_loading()
    editor = await connect("vscode")
    await editor.settle()
    answer = await command(editor, "status")
    assert (answer["state"], answer["model"]) == ("loading", None)
    await engine.release()
    await editor.wait_for_model()
    answer = await command(editor, "status")
    assert (answer["state"], answer["model"], answer["error"]) == ("ready", "embedded", None)


async def test_status_notes_settings_that_the_model_does_not_support(connect: Connect, engine: ScriptedEngine) -> None:
    editor = await connect("vscode")
    await editor.wait_for_model()
    assert (await command(editor, "status"))["notes"] == []
    engine.notes = ("Model 'embedded' is computed in float32, because its architecture fails in bfloat16.",)
    assert (await command(editor, "status"))["notes"] == list(engine.notes)


async def test_a_client_that_announces_the_capability_is_sent_the_status(
    connect: Connect, engine: ScriptedEngine
) -> None:
    engine.hold_loading()
    caps = capabilities("vscode")
    caps.experimental = {"fillmaskStatus": True}
    editor = await connect(caps)
    sent: list[Any] = []
    editor.client.feature("fillmask/status")(lambda params: sent.append((params.state, params.model)))
    await engine.release()
    await editor.wait_until(lambda: bool(sent) and sent[-1][0] == "ready")
    assert sent[-1] == ("ready", "embedded")


async def test_loading_a_model_shows_its_progress(connect: Connect, engine: ScriptedEngine) -> None:
    engine.hold_loading()
    editor = await connect("vscode")
    bars = editor.client.progress_reports
    await editor.wait_until(lambda: any(reports for reports in bars.values()))
    [reports] = bars.values()
    assert reports[0].title == "Loading the language model"
    await engine.release()
    await editor.wait_until(lambda: reports[-1].kind == "end")
    assert reports[-1].message == "embedded is ready"
