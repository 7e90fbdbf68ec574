"""What a person types, what comes back, and what the document is after accepting; in three editors."""

from __future__ import annotations

import pytest
from lsprotocol import types

from fillmask_ls import MASK
from lsp.editor import Editor, capabilities, start, stop

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_typing_a_mask_offers_the_words_that_fit(editor: Editor) -> None:
    document = editor.open("The patient was taken to the | by ambulance.")
    document.type("[MASK]")
    items = await document.complete("]")
    assert items is not None
    assert len(items) == 10
    assert "hospital" in [item.label for item in items[:3]]
    assert [item.sort_text for item in items] == sorted(str(item.sort_text) for item in items)
    assert [item.preselect for item in items] == [True] + [False] * 9
    assert all(str(item.detail).endswith("%") for item in items)
    hospital = next(item for item in items if item.label == "hospital")
    assert document.accepted(hospital) == "The patient was taken to the hospital by ambulance."


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("before", ["", "😀👩‍👩‍👧 ", "e\u0301 ", "ß\u2028\x0c\x85 ", "中文 "])
async def test_what_stands_around_the_mask_stays(editor: Editor, line_end: str, before: str) -> None:
    document = editor.open(f"First 😀.{line_end}{before}It was a [MASK]| day.{line_end}Last.")
    items = await document.complete()
    assert items
    assert document.accepted(items[0]) == f"First 😀.{line_end}{before}It was a {items[0].label} day.{line_end}Last."


@pytest.mark.parametrize("mask", ["[MASK]|", "[MASK|]", "[MA|SK]", "[|MASK]"])
async def test_the_cursor_inside_the_mask_or_at_its_end(editor: Editor, mask: str) -> None:
    document = editor.open(f"She drank a cup of {mask} with milk.")
    items = await document.complete()
    assert items
    assert document.accepted(items[0]) == f"She drank a cup of {items[0].label} with milk."


async def test_typing_on_narrows_and_the_model_is_asked_anew(editor: Editor) -> None:
    document = editor.open("The [MASK]| walked through the zoo with the children.")
    everything = await document.complete("]")
    document.type("e")
    some = await document.complete()
    document.type("l")
    few = await document.complete()
    assert everything
    assert some
    assert few
    assert all(item.label.startswith("e") for item in some)
    assert all(item.label.startswith("el") for item in few)
    assert not {item.label for item in few} <= {item.label for item in everything}
    assert document.accepted(few[0]) == f"The {few[0].label} walked through the zoo with the children."


async def test_what_was_typed_keeps_its_case(editor: Editor) -> None:
    document = editor.open("The [MASK]El| walked through the zoo.")
    items = await document.complete()
    assert items
    assert all(item.label.startswith("El") for item in items)


async def test_letters_that_no_word_begins_with(editor: Editor) -> None:
    assert await editor.open("The [MASK]xqzy| walked.").complete() == []


async def test_after_a_bracket_the_mask_is_offered(editor: Editor) -> None:
    for marked in ("The sky is |", "The sky is |]"):  # with and without an editor that closes brackets
        document = editor.open(marked)
        document.type("[")
        items = await document.complete("[")
        assert items is not None
        assert [item.label for item in items] == ["[MASK]"]
        assert document.accepted(items[0]) == "The sky is [MASK]"


async def test_a_bracket_in_code_offers_no_mask_unasked(vscode: Editor) -> None:
    for marked, language in (("x = |]", "python"), ("{ a: |", "json"), ("see x|", "plaintext")):
        document = vscode.open(marked, language)
        document.type("[")
        assert await document.complete("[") is None
        items = await document.complete()  # asked for
        assert items is not None
        assert items[0].label == "[MASK]"


async def test_several_masks_of_a_passage(editor: Editor) -> None:
    document = editor.open("The [MASK] is in the [MASK]| today.\n\nAnother [MASK] paragraph.")
    items = await document.complete()
    assert items
    assert document.accepted(items[0]).startswith(f"The [MASK] is in the {items[0].label} today.")


async def test_a_sentence_begins_with_a_capital(editor: Editor) -> None:
    items = await editor.open("He left. [MASK]| was late again.").complete()
    assert items
    assert all(item.label[0].isupper() or item.label[0].isdigit() for item in items)


async def test_no_mask_near_is_null_at_once(editor: Editor) -> None:
    for marked in ("", "nothing here|", "[MASK] too far|", "|[MASK]", "[mask]|"):
        assert await editor.open(marked).complete() is None


async def test_a_position_outside_the_document_is_survived(editor: Editor) -> None:
    document = editor.open("one line")
    for position in (types.Position(0, 999), types.Position(99, 0), types.Position(2**31 - 1, 2**31 - 1)):
        params = types.CompletionParams(types.TextDocumentIdentifier(document.uri), position)
        assert await editor.client.text_document_completion_async(params) is None


async def test_a_document_that_is_not_open_has_no_completions(editor: Editor) -> None:
    params = types.CompletionParams(types.TextDocumentIdentifier("file:///etc/passwd"), types.Position(0, 0))
    assert await editor.client.text_document_completion_async(params) is None


async def test_the_list_is_incomplete_so_that_editors_ask_at_each_letter(vscode: Editor) -> None:
    document = vscode.open("A [MASK]| day.")
    params = types.CompletionParams(types.TextDocumentIdentifier(document.uri), document.position(document.cursor))
    result = await vscode.client.text_document_completion_async(params)
    assert isinstance(result, types.CompletionList)
    assert result.is_incomplete
    assert all(str(item.filter_text).startswith("[MASK]") for item in result.items)


async def test_probabilities_stand_in_every_row_where_the_editor_can_show_them(vscode: Editor) -> None:
    items = await vscode.open("A [MASK]| day.").complete()
    assert items
    assert all(item.label_details and item.label_details.description == item.detail for item in items)


async def test_an_item_says_more_when_it_is_looked_at(editor: Editor) -> None:
    document = editor.open(f"*Paris* is the capital of {MASK}| today.")
    items = await document.complete()
    assert items
    item = await editor.client.completion_item_resolve_async(items[1])
    said = item.documentation
    text = (said.value if isinstance(said, types.MarkupContent) else str(said)).replace("\\", "").replace("**", "")
    assert f" is the capital of {items[1].label} today." in text
    assert f"Rank 2 of {len([each for each in items if each.detail != 'all masks together'])}" in text
    assert items[0].label in text.partition("Others:")[2]


@pytest.mark.parametrize("data", [None, 5, "999", {"x": 1}])
async def test_an_item_of_a_forgotten_list_stays_as_it_is(editor: Editor, data: object) -> None:
    item = types.CompletionItem(label="word", data=data)
    assert (await editor.client.completion_item_resolve_async(item)).documentation is None


async def test_the_masks_of_a_sentence_are_filled_together(editor: Editor) -> None:
    text = f"🙂 Paris is the {MASK} of {MASK}|, they say.\n"
    document = editor.open(text)
    sentences = [item for item in await document.complete() or [] if item.detail == "all masks together"]
    assert len(sentences) == 3
    for item in sentences:
        first, second = item.label.split(" … ")
        assert document.accepted(item) == f"🙂 Paris is the {first} of {second}, they say.\n"


async def test_masks_on_different_lines_are_filled_one_by_one(editor: Editor) -> None:
    document = editor.open(f"Paris is the {MASK}\nof {MASK}|, they say.\n")
    assert all(item.detail != "all masks together" for item in await document.complete() or [])


@pytest.mark.parametrize(("name", "mode"), [("lsp-mode", types.InsertTextMode.AsIs), ("helix", None)])
async def test_accepting_is_no_reason_to_indent_the_line(name: str, mode: types.InsertTextMode | None) -> None:
    editor = await start(capabilities(name))
    try:
        for text in ("It was a [|", "It was a [MASK]| day.", "The [MASK] drank a [MASK]|."):
            items = await editor.open(text).complete()
            assert items
            assert {item.insert_text_mode for item in items} == {mode}
    finally:
        await stop(editor)
