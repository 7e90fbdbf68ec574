"""``textDocument/completion`` and ``completionItem/resolve``: the items, and the document after accepting one."""

from __future__ import annotations

import pytest
from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.engine.api import PredictQuestion
from lsp.conftest import Connect
from lsp.editor import Editor
from lsp.in_process import RawClient
from scripted_engine import WORDS, ScriptedEngine


async def test_typing_a_mask_offers_the_best_ten_words(editor: Editor, engine: ScriptedEngine) -> None:
    document = editor.open("The patient was taken to the | by ambulance.")
    document.type("[MASK]")
    items = await document.complete("]")
    assert items is not None
    assert [item.label for item in items] == list(WORDS[:10])
    assert [item.sort_text for item in items] == sorted(str(item.sort_text) for item in items)
    assert [item.preselect for item in items] == [True] + [False] * 9
    assert items[0].detail == "50.0 %"
    assert all(str(item.detail).endswith("%") for item in items)
    assert document.text_after_accepting(items[1]) == "The patient was taken to the river by ambulance."
    assert engine.questions(PredictQuestion)[-1].text == "The patient was taken to the [MASK] by ambulance."


async def test_the_embedded_model_suggests_the_right_word(bert: Editor) -> None:
    await bert.wait_for_model()
    document = bert.open("The patient was taken to the [MASK]| by ambulance.")
    items = await document.complete()
    assert items
    assert "hospital" in [item.label for item in items[:3]]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("before", ["", "😀👩‍👩‍👧 ", "e\u0301 ", "ß\u2028\x0c\x85 ", "中文 "])
async def test_completion_replaces_only_the_mask(editor: Editor, line_end: str, before: str) -> None:
    document = editor.open(f"First 😀.{line_end}{before}It was a [MASK]| day.{line_end}Last.")
    items = await document.complete()
    assert items
    assert document.text_after_accepting(items[0]) == f"First 😀.{line_end}{before}It was a house day.{line_end}Last."


@pytest.mark.parametrize("mask", ["[MASK]|", "[MASK|]", "[MA|SK]", "[|MASK]"])
async def test_a_cursor_inside_the_mask_or_at_its_end_completes_it(editor: Editor, mask: str) -> None:
    document = editor.open(f"She drank a cup of {mask} with milk.")
    items = await document.complete()
    assert items
    assert document.text_after_accepting(items[0]) == "She drank a cup of house with milk."


async def test_letters_after_the_mask_narrow_the_list(editor: Editor, engine: ScriptedEngine) -> None:
    document = editor.open("The [MASK]| walked through the zoo with the children.")
    await document.complete("]")
    document.type("e")
    items = await document.complete()
    assert items is not None
    assert [item.label for item in items] == ["evening", "elephant", "eleven", "east", "earth"]
    document.type("l")
    items = await document.complete()
    assert items is not None
    assert [item.label for item in items] == ["elephant", "eleven"]
    assert document.text_after_accepting(items[0]) == "The elephant walked through the zoo with the children."
    assert engine.questions(PredictQuestion)[-1].prefix == "el"


async def test_letters_that_no_word_begins_with_give_an_empty_list(editor: Editor) -> None:
    assert await editor.open("The [MASK]xqzy| walked.").complete() == []


async def test_the_embedded_model_follows_the_case_of_typed_letters_and_of_sentence_starts(bert: Editor) -> None:
    items = await bert.open("The [MASK]El| walked through the zoo.").complete()
    assert items
    assert all(item.label.startswith("El") for item in items)
    items = await bert.open("He left. [MASK]| was late again.").complete()
    assert items
    assert all(item.label[0].isupper() or item.label[0].isdigit() for item in items)


async def test_a_bracket_offers_the_mask(editor: Editor) -> None:
    for marked in ("The sky is |", "The sky is |]"):  # without and with automatically closed brackets
        document = editor.open(marked)
        document.type("[")
        items = await document.complete("[")
        assert items is not None
        assert [item.label for item in items] == ["[MASK]"]
        assert document.text_after_accepting(items[0]) == "The sky is [MASK]"


async def test_a_bracket_in_code_offers_the_mask_only_on_request(vscode: Editor) -> None:
    for marked, language in (("x = |]", "python"), ("{ a: |", "json"), ("see x|", "plaintext")):
        document = vscode.open(marked, language)
        document.type("[")
        assert await document.complete("[") is None
        items = await document.complete()
        assert items is not None
        assert items[0].label == "[MASK]"


async def test_of_several_masks_the_one_before_the_cursor_is_completed(editor: Editor, engine: ScriptedEngine) -> None:
    document = editor.open("The [MASK] is in the [MASK]| today.\n\nAnother [MASK] paragraph.")
    items = await document.complete()
    assert items
    assert document.text_after_accepting(items[0]).startswith("The [MASK] is in the house today.")
    assert engine.questions(PredictQuestion)[-1].focus == 1


async def test_completion_away_from_masks_is_null_without_the_engine(editor: Editor, engine: ScriptedEngine) -> None:
    for marked in ("", "nothing here|", "[MASK] too far|", "|[MASK]", "[mask]|"):
        assert await editor.open(marked).complete() is None
    assert engine.received == []


async def test_a_position_outside_the_document_is_null(editor: Editor) -> None:
    document = editor.open("one line.")
    for position in (types.Position(0, 999), types.Position(99, 0), types.Position(2**31 - 1, 2**31 - 1)):
        params = types.CompletionParams(types.TextDocumentIdentifier(document.uri), position)
        assert await editor.client.text_document_completion_async(params) is None


async def test_a_document_that_is_not_open_is_null(editor: Editor) -> None:
    params = types.CompletionParams(types.TextDocumentIdentifier("file:///etc/passwd"), types.Position(0, 0))
    assert await editor.client.text_document_completion_async(params) is None


async def test_the_list_is_incomplete_so_that_editors_request_it_again_at_each_letter(vscode: Editor) -> None:
    document = vscode.open("A [MASK]| day.")
    params = types.CompletionParams(types.TextDocumentIdentifier(document.uri), document.position(document.cursor))
    result = await vscode.client.text_document_completion_async(params)
    assert isinstance(result, types.CompletionList)
    assert result.is_incomplete
    assert all(str(item.filter_text).startswith("[MASK]") for item in result.items)


async def test_filter_text_contains_the_word_for_editors_without_a_default_range(connect: Connect) -> None:
    """JupyterLab inserts the accepted word beside the typed letters if the filter text does not contain it."""
    jupyterlab = await connect(types.ClientCapabilities())
    items = await jupyterlab.open("A [MASK]c| day.").complete()
    assert items
    assert [item.filter_text for item in items] == [f"[MASK]{item.label}" for item in items]


async def test_filter_text_is_the_typed_text_for_editors_with_a_default_range(vscode: Editor) -> None:
    items = await vscode.open("A [MASK]c| day.").complete()
    assert items
    assert {item.filter_text for item in items} == {"[MASK]c"}


async def test_label_details_show_the_probability_if_the_editor_supports_them(vscode: Editor) -> None:
    items = await vscode.open("A [MASK]| day.").complete()
    assert items
    assert all(item.label_details and item.label_details.description == item.detail for item in items)


async def test_resolve_adds_the_sentence_the_rank_and_the_other_words(editor: Editor) -> None:
    document = editor.open(f"*Paris* is the capital of {MASK}| today.")
    items = await document.complete()
    assert items
    item = await editor.client.completion_item_resolve_async(items[1])
    shown = item.documentation
    text = (shown.value if isinstance(shown, types.MarkupContent) else str(shown)).replace("\\", "").replace("**", "")
    assert " is the capital of river today." in text
    assert "Suggestion 2 of 10" in text
    assert "house" in text.partition("Others:")[2]


@pytest.mark.parametrize("data", [None, 5, "999", {"x": 1}])
async def test_an_item_of_an_unknown_list_is_returned_as_is(editor: Editor, data: object) -> None:
    item = types.CompletionItem(label="word", data=data)
    assert (await editor.client.completion_item_resolve_async(item)).documentation is None


async def test_all_masks_of_a_sentence_are_filled_together(editor: Editor) -> None:
    document = editor.open(f"🙂 Paris is the {MASK} of {MASK}|, they say.\n")
    sentences = [item for item in await document.complete() or [] if item.detail == "all blanks together"]
    assert [item.label for item in sentences] == ["house … river", "river … garden", "garden … street"]
    assert document.text_after_accepting(sentences[0]) == "🙂 Paris is the house of river, they say.\n"


async def test_masks_on_different_lines_are_filled_one_by_one(editor: Editor) -> None:
    document = editor.open(f"Paris is the {MASK}\nof {MASK}|, they say.\n")
    assert all(item.detail != "all blanks together" for item in await document.complete() or [])


@pytest.mark.parametrize(("name", "mode"), [("lsp-mode", types.InsertTextMode.AsIs), ("helix", None)])
async def test_accepting_does_not_indent_the_line(
    connect: Connect, name: str, mode: types.InsertTextMode | None
) -> None:
    editor = await connect(name)
    for text in ("It was a [|", "It was a [MASK]| day.", "The [MASK] drank a [MASK]|."):
        items = await editor.open(text).complete()
        assert items
        assert {item.insert_text_mode for item in items} == {mode}


async def test_while_the_first_model_loads_the_list_is_empty_and_incomplete(
    connect: Connect, engine: ScriptedEngine
) -> None:
    engine.hold_loading()
    editor = await connect("vscode")
    document = editor.open("It was a [MASK]| day.")
    assert await editor.skip_pauses(document.complete()) == []
    await engine.release()
    assert len(await document.complete() or []) == 10


async def test_a_cancelled_completion_is_answered_as_cancelled(raw: RawClient, engine: ScriptedEngine) -> None:
    await raw.initialize()
    engine.hold()
    raw.open("It was a [MASK] day.")
    request_id = raw.send_request("textDocument/completion", raw.position_params(0, 15))
    await engine.wait_until(lambda: bool(engine.received))
    raw.notify("$/cancelRequest", {"id": request_id})
    assert (await raw.wait_for_response(request_id))["error"]["code"] == -32800
    await engine.release()
    assert engine.answered == []
