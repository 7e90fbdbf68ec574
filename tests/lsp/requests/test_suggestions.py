"""``textDocument/completion`` and ``fillmask.suggest`` where no mask is."""

from __future__ import annotations

import pytest
from lsprotocol import types

from fillmask_ls.engine.api import PredictQuestion, SubstitutesQuestion
from lsp.conftest import Connect
from lsp.editor import Document, Editor
from scripted_engine import WORDS, ScriptedEngine


async def asked(document: Document) -> list[types.CompletionItem] | None:
    """Request completion long after the last keystroke, as a user does with Ctrl+Space."""
    assert document.editor.clock
    await document.editor.settle()
    document.editor.clock.advance(2)
    return await document.complete()


async def test_in_a_gap_the_words_between_before_and_after_are_offered(editor: Editor, engine: ScriptedEngine) -> None:
    document = editor.open("🙂 The patient was taken to the | by ambulance.")
    items = await asked(document)
    assert items
    assert [item.label for item in items] == list(WORDS[:10])
    assert items[0].detail == "50.0 %"
    assert document.text_after_accepting(items[1]) == "🙂 The patient was taken to the river by ambulance."
    assert engine.questions(PredictQuestion)[-1].text == "🙂 The patient was taken to the [MASK] by ambulance."


async def test_at_the_end_of_letters_the_words_that_begin_with_them_are_offered(
    editor: Editor, engine: ScriptedEngine
) -> None:
    document = editor.open("They took the elep| to the zoo.")
    items = await asked(document)
    assert items
    assert [item.label for item in items] == ["elephant"]
    assert {item.filter_text for item in items} == {"elep"}
    assert document.text_after_accepting(items[0]) == "They took the elephant to the zoo."
    question = engine.questions(PredictQuestion)[-1]
    assert (question.text, question.prefix) == ("They took the [MASK] to the zoo.", "elep")


async def test_within_letters_that_are_no_word_the_whole_is_replaced(editor: Editor) -> None:
    document = editor.open("They took the el|phnt to the zoo.")
    items = await asked(document)
    assert items
    assert [item.label for item in items] == ["elephant", "eleven"]
    assert document.text_after_accepting(items[0]) == "They took the elephant to the zoo."


@pytest.mark.parametrize("marked", ["The |nice cat sat.", "The ni|ce cat sat."])
async def test_on_a_whole_word_its_substitutes_are_offered(editor: Editor, engine: ScriptedEngine, marked: str) -> None:
    document = editor.open(marked)
    items = await asked(document)
    assert items
    [question] = engine.questions(SubstitutesQuestion)
    assert (question.text, question.span) == ("The nice cat sat.", (4, 8))
    assert engine.questions(PredictQuestion) == []
    assert document.text_after_accepting(items[0]) == "The house cat sat."
    assert items[0].detail == "50.0 %"


async def test_at_the_end_of_a_whole_word_substitutes_and_longer_words_are_sorted_by_probability(
    editor: Editor,
) -> None:
    items = await asked(editor.open("They looked to the east|."))
    assert items
    assert [item.label for item in items] == ["house", "river", "garden"]
    items = await asked(editor.open("They looked to the ear|."))
    assert items
    assert [item.label for item in items] == ["house", "river", "garden", "earth"]
    probabilities = [float(str(item.detail).strip("<%")) for item in items]
    assert probabilities == sorted(probabilities, reverse=True)


@pytest.mark.parametrize("word", ["tea|cher's", "tea|cher’s", "di|dn't", "di|dn’t", "Le|t's"])
async def test_possessives_and_contractions_are_whole_words(editor: Editor, engine: ScriptedEngine, word: str) -> None:
    await asked(editor.open(f"Here {word} nice book."))
    [question] = engine.questions(SubstitutesQuestion)
    assert question.text[slice(*question.span)] == word.replace("|", "")
    assert engine.questions(PredictQuestion) == []


async def test_after_letters_that_begin_a_probable_word_no_substitutes_follow(editor: Editor) -> None:
    items = await asked(editor.open("They looked to the ri|."))
    assert items
    assert [item.label for item in items] == ["river"]


@pytest.mark.parametrize(
    ("marked", "language"),
    [
        ("x = | + y", "python"),
        ("value| = 1", "python"),
        ("Call `pri|nt` here.", "markdown"),
        ("```sh\nmake |\n```\n", "markdown"),
        ("\\section{One} \\in|put{file}", "latex"),
        ("The end.|", "plaintext"),
        ("He left the U.S|.A. in May.", "plaintext"),
        ("Use tools, e.|g. a hammer.", "plaintext"),
        ("See https://exam|ple.com/house now.", "plaintext"),
        ("See (https://example.com/ho|use) now.", "plaintext"),
        ("Write to john@exa|mple.com now.", "plaintext"),
        ("Open nice|.txt now.", "plaintext"),
        ("The sum $x + al|pha$ is big.", "markdown"),
        ("The sum $\\nice + x$ and \\(ni|ce\\) are big.", "markdown"),
        ('<p>A <a href="x" class="big ni|ce">cat</a> sat</p>', "html"),
        ("<p>A <a class='ni|ce'\n href='x'>cat</a> sat</p>", "html"),
    ],
)
async def test_in_code_addresses_and_formulas_and_after_a_full_stop_nothing_is_offered(
    editor: Editor, engine: ScriptedEngine, marked: str, language: str
) -> None:
    assert await asked(editor.open(marked, language)) is None
    assert engine.received == []


@pytest.mark.parametrize(
    ("marked", "language"),
    [
        ("It was **ni|ce** and nice.", "markdown"),
        ("See [the ni|ce cat](https://example.com).", "markdown"),
        ("It costs $5, a ni|ce price.", "markdown"),
        ("A well-kept, ni|ce... cat, 3.5 years old.", "plaintext"),
        ('<p>A <img class="x" alt="a ni|ce cat"> sat</p>', "html"),
        ("If a < b, a ni|ce c > d.", "plaintext"),
    ],
)
async def test_beside_addresses_and_markup_substitutes_are_offered(
    editor: Editor, engine: ScriptedEngine, marked: str, language: str
) -> None:
    assert await asked(editor.open(marked, language))
    assert len(engine.questions(SubstitutesQuestion)) == 1


async def test_words_in_comments_are_offered(editor: Editor, engine: ScriptedEngine) -> None:
    assert await asked(editor.open("x = 1  # Take the | from the list.\n", "python"))
    assert engine.questions(PredictQuestion)[-1].text == "x = 1 # Take the [MASK] from the list."


async def test_a_typed_letter_offers_and_costs_nothing(editor: Editor, engine: ScriptedEngine) -> None:
    document = editor.open("They took the | to the zoo.")
    for letter in "ele":
        document.type(letter)
        assert await document.complete() is None
        await editor.settle()
    assert engine.received == []


async def test_a_second_request_at_the_same_place_is_the_users(editor: Editor) -> None:
    document = editor.open("They took the | to the zoo.")
    document.type("ele")
    assert await document.complete() is None
    assert [item.label for item in await document.complete() or []] == ["elephant", "eleven"]


async def test_a_client_that_marks_typing_is_answered_at_once(connect: Connect) -> None:
    editor = await connect("vscode", options={"distinguishesManualTrigger": True})
    document = editor.open("They took the | to the zoo.")
    document.type("ele")
    assert [item.label for item in await document.complete() or []] == ["elephant", "eleven"]


async def test_setting_offers_words_never_or_at_each_letter(connect: Connect) -> None:
    never = await connect("vscode", configuration={"fillmask": {"completion": {"withoutMask": "never"}}})
    assert await asked(never.open("The | sat.")) is None
    settings = {"withoutMask": "always", "withoutMaskLanguages": ["markdown"]}
    always = await connect("vscode", configuration={"fillmask": {"completion": settings}})
    for language, expected in [("markdown", ["elephant", "eleven"]), ("plaintext", [])]:
        document = always.open("They took the | to the zoo.", language)
        document.type("ele")
        assert [item.label for item in await document.complete() or []] == expected


async def test_the_embedded_model_reads_what_stands_after_the_cursor(bert: Editor) -> None:
    await bert.wait_for_model()
    items = await asked(bert.open("The patient was taken to the hos| by ambulance."))
    assert items
    assert items[0].label == "hospital"
    items = await asked(bert.open("The patient was taken to the | by ambulance."))
    assert items
    assert items[0].label == "hospital"


async def test_the_command_returns_the_words_and_the_range_they_replace(editor: Editor) -> None:
    document = editor.open("🙂 They took the ele| to the zoo.")
    position = document.position(document.cursor)
    result = await document.command(
        "fillmask.suggest", position={"line": position.line, "character": position.character}
    )
    assert [word["text"] for word in result["words"]] == ["elephant", "eleven"]
    range_ = result["range"]
    ends = [types.Position(range_[end]["line"], range_[end]["character"]) for end in ("start", "end")]
    assert document.text_in(types.Range(*ends)) == "ele"
    code = editor.open("x = 1", "python")
    result = await code.command("fillmask.suggest", position={"line": 0, "character": 1})
    assert result == {"range": None, "words": []}
