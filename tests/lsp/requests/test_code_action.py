"""``textDocument/codeAction`` and ``codeAction/resolve``: fill masks, mask words, restore and replace them."""

from __future__ import annotations

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls import MASK
from fillmask_ls.engine.api import EngineError
from lsp.conftest import Connect
from lsp.editor import Editor, capabilities
from scripted_engine import ScriptedEngine

SENTENCE = f"🙂 Paris is the capital of {MASK}."
TWO = f"Paris is the {MASK} of {MASK}."


async def test_a_mask_is_filled_with_each_of_the_best_three(editor: Editor) -> None:
    document = editor.open(SENTENCE)
    actions = await document.actions("MASK|", automatic=True)
    fills = [action for title, action in actions.items() if title.startswith("Fill with")]
    assert [action.title for action in fills] == [
        "Fill with “house” (50.0 %)",
        "Fill with “river” (25.0 %)",
        "Fill with “garden” (12.5 %)",
    ]
    assert [bool(action.is_preferred) for action in fills] == [True, False, False]
    assert {action.kind for action in fills} == {types.CodeActionKind.QuickFix}
    await document.apply_action(fills[0])
    assert document.text == SENTENCE.replace(MASK, "house")


@pytest.mark.parametrize("selected", ["capital of [MA", "SK].", "of [MASK].", "capital of [MASK]"])
async def test_a_selection_that_touches_one_mask_offers_to_fill_it(editor: Editor, selected: str) -> None:
    document = editor.open(f"{SENTENCE} It is a {MASK} city.")
    titles = list(await document.actions(selected))
    assert titles[0].startswith("Fill with “")
    assert "Fill the 2 blanks of this paragraph together" in titles


@pytest.mark.parametrize(("selected", "is_offered"), [("capital of", True), ("capital", False), ("[MASK]", False)])
async def test_random_masking_is_offered_for_several_words(editor: Editor, selected: str, is_offered: bool) -> None:
    titles = await editor.open(SENTENCE).actions(selected)
    assert ("Replace 15 % of the words in the selection with blanks" in titles) is is_offered


async def test_a_selection_that_touches_two_masks_offers_to_fill_both(editor: Editor) -> None:
    titles = list(await editor.open(TWO).actions("MASK] of [MA"))
    assert "Fill the 2 blanks of this paragraph together" in titles


@pytest.mark.parametrize(
    ("selected", "title"),
    [("MASK|", "paragraph together"), ("Paris is the [MASK] of [MASK].", "blanks of the selection")],
)
async def test_masks_of_a_paragraph_or_selection_are_filled_together(editor: Editor, selected: str, title: str) -> None:
    document = editor.open(f"{TWO}\n\nAnother [MASK] here.\n")
    [action] = [action for name, action in (await document.actions(selected)).items() if title in name]
    await document.apply_action(action)
    assert document.text == "Paris is the house of river.\n\nAnother [MASK] here.\n"


async def test_each_of_a_few_selected_masks_is_filled_by_itself(editor: Editor) -> None:
    document = editor.open(f"🙂 {TWO}\nAnother [MASK] here.\n")
    actions = await document.actions(f"🙂 {TWO}")  # Kate requests actions for the whole line
    assert not any(title.startswith("Fill with") for title in actions)
    titles = [title for title in actions if title.startswith("Fill blank")]
    assert [title.partition(" with")[0] for title in titles] == ["Fill blank 1 of 2", "Fill blank 2 of 2"]
    assert list(actions).index("Fill the 2 blanks of the selection") < list(actions).index(titles[0])
    await document.apply_action(actions[titles[1]])
    assert document.text == "🙂 Paris is the [MASK] of house.\nAnother [MASK] here.\n"


async def test_many_selected_masks_are_not_listed_one_by_one(editor: Editor) -> None:
    titles = list(await editor.open(f"{TWO} {TWO}").actions(f"{TWO} {TWO}"))
    assert "Fill the 4 blanks of the selection" in titles
    assert not any(title.startswith("Fill blank") for title in titles)


async def test_all_masks_of_a_document_are_filled_in_one_edit(editor: Editor) -> None:
    document = editor.open(f"# [MASK]\n\n{TWO}\n\n- a [MASK]\n- {SENTENCE}\n", "markdown")
    actions = await document.actions("MASK|")
    await document.apply_action(actions["Fill all 5 blanks of the document"])
    assert MASK not in document.text
    assert document.text.count("\n") == 6


async def test_letters_typed_after_a_mask_are_replaced_with_it(editor: Editor) -> None:
    document = editor.open("🙂 She closed the [MASK]ga| and left.")
    actions = await document.actions("[MASK]ga|")
    fills = [title for title in actions if title.startswith("Fill with")]
    assert fills == ["Fill with “garden” (12.5 %)"]
    assert not any(title.startswith("Replace") for title in actions)
    await document.apply_action(actions[fills[0]])
    assert document.text == "🙂 She closed the garden and left."


@pytest.mark.parametrize("text", ["the [MASK]'s| door", "the [MASK|", "a <mas|k>", "a [ma|sk] b"])
async def test_what_belongs_to_a_mask_is_no_word(editor: Editor, text: str) -> None:
    await editor.wait_for_model()
    before, _, after = text.partition("|")
    titles = await editor.open(before + after).actions(f"{before}|")
    assert not any(title.startswith(("Replace", "Suggest")) for title in titles)


async def test_a_word_is_masked_or_replaced(editor: Editor) -> None:
    await editor.wait_for_model()
    document = editor.open("She walked to the old house.")
    actions = await document.actions("hou|")
    substitutes = [title for title in actions if title.startswith("Replace “house” with “")]
    assert substitutes == [
        "Replace “house” with “house” (50.0 %)",
        "Replace “house” with “river” (25.0 %)",
        "Replace “house” with “garden” (12.5 %)",
    ]
    await document.apply_action(actions["Replace “house” with a blank"])
    assert document.text == "She walked to the old [MASK]."


@pytest.mark.parametrize(
    ("marked", "masked"),
    [
        (r'x = "hello\nwor|ld again"', r'x = "hello\n[MASK] again"'),
        (r'x = "hello\x41ga|in"', r'x = "hello\x41[MASK]"'),
        ("f(u'hal|lo people')", "f(u'[MASK] people')"),
    ],
)
async def test_an_escape_or_a_prefix_of_a_string_is_no_part_of_a_word(editor: Editor, marked: str, masked: str) -> None:
    await editor.wait_for_model()
    document = editor.open(marked.replace("|", ""), "python")
    actions = await document.actions(marked.partition("|")[0] + "|")
    await document.apply_action(next(action for title, action in actions.items() if title.endswith("with a blank")))
    assert document.text == masked


async def test_replace_action_inserts_the_substitute(editor: Editor) -> None:
    await editor.wait_for_model()
    document = editor.open("She walked to the old house.")
    await document.apply_action((await document.actions("house"))["Replace “house” with “river” (25.0 %)"])
    assert document.text == "She walked to the old river."


@pytest.mark.parametrize("selected", ["hou|", "house|", "house"])
async def test_a_client_with_our_command_can_list_the_substitutes(connect: Connect, selected: str) -> None:
    client = capabilities("vscode")
    client.experimental = {"fillmaskSuggest": True}
    editor = await connect(client)
    document = editor.open("🙂 She walked to the old house.")
    command = (await document.actions(selected))["Suggest other words for “house”"].command
    assert command is not None
    assert command.command == "fillmask.suggest"
    character = len("🙂 She walked to the old ".encode("utf-16-le")) // 2
    assert list(command.arguments or ()) == [{"position": {"line": 0, "character": character}}]
    editor = await connect("helix")
    assert "Suggest other words for “house”" not in await editor.open("A house.").actions("house")


async def test_without_a_model_a_word_is_masked_at_once(connect: Connect, engine: ScriptedEngine) -> None:
    engine.hold_loading()
    editor = await connect("vscode")
    actions = await editor.open("She walked to the old house.").actions("house")
    assert not any("with “" in title for title in actions)
    assert "Replace “house” with a blank" in actions


async def test_automatic_request_at_a_word_returns_no_actions(editor: Editor) -> None:
    document = editor.open(f"She walked to the old house.\n{TWO}")
    assert await document.actions("house|", automatic=True) == {}
    assert await document.actions("MASK|", automatic=True)


@pytest.mark.parametrize(
    ("only", "titles"),
    [
        (["quickfix"], {"Fill with"}),
        (["refactor"], {"Fill the", "Fill all"}),
        (["refactor.rewrite"], {"Fill the", "Fill all"}),
        (["refactor.extract"], set()),
        (["source"], set()),
        ([""], {"Fill with", "Fill the", "Fill all"}),
    ],
)
async def test_only_the_requested_kinds_are_returned(vscode: Editor, only: list[str], titles: set[str]) -> None:
    document = vscode.open(f"{TWO}\n\nA [MASK].")
    actions = await document.actions("MASK|", only=only)
    assert {" ".join(title.split()[:2]) for title in actions} == titles


async def test_random_masking_of_a_selection_masks_no_code(editor: Editor) -> None:
    text = (
        "The quick brown fox jumps over the lazy dog, and runs from what it saw. 🙂\n\n```\nuntouched code\n```\n\n" * 4
    )
    document = editor.open(text, "markdown")
    actions = await document.actions(text)
    await document.apply_action(actions["Replace 15 % of the words in the selection with blanks"])
    assert 2 < document.text.count(MASK) < 25
    assert document.text.count("untouched code") == document.text.count("🙂") == 4


async def test_an_action_that_an_edit_made_stale_is_refused(editor: Editor) -> None:
    document = editor.open(TWO)
    action = (await document.actions("MASK|"))["Fill the 2 blanks of this paragraph together"]
    if action.edit is not None:
        pytest.skip("the client gets edits at once")
    document.cursor = 0
    document.type("x")
    with pytest.raises(JsonRpcException, match="changed"):
        await editor.client.code_action_resolve_async(action)


@pytest.mark.parametrize("data", [{}, [], "x", {"uri": 1, "version": 1, "start": "x", "end": None, "do": "fill"}])
async def test_an_action_of_another_server_is_refused(vscode: Editor, data: object) -> None:
    with pytest.raises(JsonRpcException, match="not one of this server's"):
        await vscode.client.code_action_resolve_async(types.CodeAction(title="x", data=data))


async def test_an_unlikely_word_is_fixed(editor: Editor) -> None:
    document = editor.open("Paris is the capital of banana.")
    diagnostic = types.Diagnostic(
        document.range("banana"),
        "unlikely",
        code="unlikely-word",
        source="fillmask",
        data={"text": "banana", "words": ["France"]},
    )
    data = {"text": "banana", "words": [1, None]}
    other = types.Diagnostic(document.range("banana"), "else", code="unlikely-word", data=data)
    actions = await document.actions("banana", automatic=True, diagnostics=[diagnostic, other])
    await document.apply_action(actions["Replace with “France”"])
    assert document.text == "Paris is the capital of France."


async def test_a_selection_without_words_offers_random_masking_at_most(editor: Editor) -> None:
    for text, at in [("", ""), (" \n ", "\n"), ("🙂", "🙂")]:
        actions = await editor.open(text).actions(at)
        assert all("Replace 15" in title for title in actions)


async def test_a_client_without_code_action_literals_gets_no_actions(connect: Connect) -> None:
    editor = await connect(
        types.ClientCapabilities(
            text_document=types.TextDocumentClientCapabilities(code_action=types.CodeActionClientCapabilities())
        )
    )
    assert await editor.open(TWO).actions("MASK|") == {}


async def test_failure_of_the_engine_is_an_error_with_the_reason(connect: Connect, engine: ScriptedEngine) -> None:
    editor = await connect("vscode")
    engine.error = EngineError("the model failed with ValueError")
    with pytest.raises(JsonRpcException, match="the model failed with ValueError"):
        await editor.open(TWO).actions("MASK|")


async def test_a_masked_word_is_restored(editor: Editor) -> None:
    document = editor.open("🙂 She walked to the old house.")
    for word in ("walked", "house"):
        actions = await document.actions(word)
        await document.apply_action(actions[f"Replace “{word}” with a blank"])
    assert document.text == "🙂 She [MASK] to the old [MASK]."
    actions = await document.actions("She [MASK] to the old [MASK]")
    await document.apply_action(actions["Restore the words in 2 blanks"])
    assert document.text == "🙂 She walked to the old house."


async def test_a_word_that_was_tried_and_undone_is_not_restored(editor: Editor) -> None:
    document = editor.open("🙂 She walked to the old house. The sky is [MASK].")
    await document.apply_action((await document.actions("house"))["Replace “house” with a blank"])
    for mask, tried in [("old [MASK]", "old dog"), ("is [MASK]", "is blue")]:
        document.replace(mask, tried)
        document.replace("🙂 ", "🙂 Then ")
        document.replace("🙂 Then ", "🙂 ")
        document.replace(tried, mask)
    assert not any(title.startswith("Restore") for title in await document.actions("is [MASK]"))
    await document.apply_action((await document.actions("old [MASK]"))["Restore the word in the blank"])
    assert document.text == "🙂 She walked to the old house. The sky is [MASK]."


async def test_masks_of_a_passage_that_was_deleted_and_brought_back_keep_their_words(editor: Editor) -> None:
    document = editor.open("One. She walked to the old house.")
    await document.apply_action((await document.actions("house"))["Replace “house” with a blank"])
    document.replace(" She walked to the old [MASK].", "")
    document.replace("One.", "One. She walked to the old [MASK].")
    await document.apply_action((await document.actions("[MASK]"))["Restore the word in the blank"])
    assert document.text == "One. She walked to the old house."


@pytest.mark.parametrize("spelling", ["<mask>", "[mask]", "<MASK>", "[Mask]"])
async def test_another_spelling_of_a_mask_is_corrected(editor: Editor, spelling: str) -> None:
    document = editor.open(f"🙂 Paris is the capital of {spelling}.")
    actions = await document.actions(f"{spelling}|", automatic=True)
    await document.apply_action(actions[f"Write “{spelling}” as [MASK]"])
    assert document.text == SENTENCE
