"""``textDocument/diagnostic`` and ``textDocument/publishDiagnostics``: unlikely words are marked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls.engine.api import PredictQuestion, SurprisalQuestion
from lsp.conftest import Connect
from lsp.editor import Document, Editor
from scripted_engine import ScriptedEngine

UNLIKELY = "😀 The king and the queen lived in a large guitar near the river."
LIKELY = UNLIKELY.replace("guitar", "house")


def enabled(**others: Any) -> dict[str, Any]:
    return {"fillmask": {"diagnostics": {"enabled": True, **others}}}


@pytest_asyncio.fixture
async def engine() -> ScriptedEngine:
    """An engine for which *guitar* is unlikely everywhere."""
    engine = ScriptedEngine()
    engine.unlikely = {"guitar"}
    return engine


@pytest_asyncio.fixture
async def puller(connect: Connect) -> Editor:
    """An editor that pulls diagnostics."""
    return await connect("vscode", configuration=enabled())


@pytest_asyncio.fixture
async def subscriber(connect: Connect) -> Editor:
    """An editor to which the server publishes diagnostics."""
    return await connect("emacs", configuration=enabled())


def items(report: types.DocumentDiagnosticReport) -> list[types.Diagnostic]:
    assert isinstance(report, types.RelatedFullDocumentDiagnosticReport)
    return list(report.items)


async def pull(document: Document, previous: str | None = None) -> types.DocumentDiagnosticReport:
    return await document.editor.skip_pauses(document.diagnose(previous))


async def marked(document: Document) -> list[str]:
    return [document.text_in(item.range) for item in items(await pull(document))]


class Published:
    """All published diagnostics; pytest-lsp's client keeps only the latest."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self.all: list[types.PublishDiagnosticsParams] = []
        editor.client.protocol.fm.features.pop(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        editor.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: self.all.append(params))

    @property
    def latest(self) -> dict[str, types.PublishDiagnosticsParams]:
        """The latest of each document, by its URI."""
        return {params.uri: params for params in self.all}

    async def next(self, document: Document) -> list[str]:
        """Wait for the diagnostics of the document's latest version, and return the marked words."""
        uri = document.uri
        await self._editor.wait_until(lambda: uri in self.latest and self.latest[uri].version == document.version)
        return [document.text_in(item.range) for item in self.latest[uri].diagnostics]


async def test_pulled_diagnostic_names_the_unlikely_word_and_the_expected_ones(puller: Editor) -> None:
    options = puller.result.capabilities.diagnostic_provider
    assert isinstance(options, types.DiagnosticOptions)
    assert (options.identifier, options.inter_file_dependencies, options.workspace_diagnostics) == (
        "fillmask",
        False,
        False,
    )
    document = puller.open(f"{LIKELY}\n\n{UNLIKELY}\n")
    [item] = items(await pull(document))
    assert document.text_in(item.range) == "guitar"
    assert document.index(item.range.start) > len(LIKELY)
    assert (item.source, item.code, item.severity) == (
        "fillmask",
        "unlikely-word",
        types.DiagnosticSeverity.Information,
    )
    assert item.data["words"] == ["house", "river", "garden", "street", "winter"]
    assert item.message == "“guitar” seems unusual here. Expected: house (50.0 %), river or garden."
    assert puller.client.diagnostics == {}


async def test_the_embedded_model_marks_an_unlikely_word(connect: Connect) -> None:
    bert = await connect("vscode", configuration=enabled(), local=None)
    assert await marked(bert.open(f"{LIKELY}\n\n{LIKELY.replace('house', 'banana')}\n")) == ["banana"]


async def test_a_confused_word_is_marked_below_the_threshold(connect: Connect) -> None:
    bert = await connect("vscode", configuration=enabled(), local=None)
    text = "She was afraid to loose her job.\n\nWe waited four hours for the whether to change.\n"
    assert await marked(bert.open(text)) == ["loose", "whether"]
    bert = await connect("vscode", configuration=enabled(threshold=100.0), local=None)
    assert await marked(bert.open(text)) == []


async def test_a_confused_word_is_marked_though_another_word_is_likelier(connect: Connect) -> None:
    bert = await connect("vscode", configuration=enabled(), local=None)
    document = bert.open("He send the note by messenger and walked home.\n\nPredict the affect of the change.\n")
    found = items(await pull(document))
    assert [document.text_in(item.range) for item in found] == ["send", "affect"]
    assert [item.data["words"][0] for item in found] == ["sent", "effect"]
    assert "Expected: sent (" in found[0].message
    assert len(found[0].data["words"]) == len(set(found[0].data["words"])) == 5


async def test_a_mistyped_word_is_marked_with_the_one_that_was_meant(connect: Connect) -> None:
    bert = await connect("vscode", configuration=enabled(), local=None)
    document = bert.open(
        "We went to the beech every day and swam in the sea.\n\nThe tabs of the window are tab controls.\n"
    )
    [item] = items(await pull(document))
    assert (document.text_in(item.range), item.data["words"][0]) == ("beech", "beach")


@pytest.mark.parametrize("gap", [" ", "\n", "  "])
async def test_a_missing_word_is_named_and_inserted(connect: Connect, gap: str) -> None:
    bert = await connect("vscode", configuration=enabled(), local=None)
    document = bert.open(f"{LIKELY}\n\n😀 The patient was taken{gap}the hospital by ambulance.\n", "markdown")
    [item] = items(await pull(document))
    assert document.text_in(item.range) == f"taken{gap}the"
    assert (item.code, item.severity) == ("missing-word", types.DiagnosticSeverity.Information)
    assert item.message.startswith("“to” seems to be missing here (")
    actions = await document.actions(f"taken{gap}the", diagnostics=[item])
    assert "Ignore “taken the”" in actions
    assert not any(title.startswith(("Add", "Replace with")) for title in actions)
    await document.apply_action(actions["Insert “to”"])
    assert f"was taken to{gap}the hospital" in document.text
    assert await marked(document) == []


async def test_an_ignored_missing_word_is_no_longer_named(connect: Connect) -> None:
    bert = await connect("vscode", configuration=enabled(), local=None)
    document = bert.open("The patient was taken the hospital by ambulance.")
    assert await marked(document) == ["taken the"]
    await bert.client.workspace_execute_command_async(
        types.ExecuteCommandParams("fillmask.ignoreWord", [{"word": "Taken the"}])
    )
    assert await marked(document) == []


async def test_no_word_is_missing_where_another_one_was_meant(connect: Connect) -> None:
    text = "It is to late to go."
    bert = await connect("vscode", configuration=enabled(), local=None)
    assert items(await pull(bert.open(text))) == []  # not “be” before “late”; “to” is too short to be marked
    bert = await connect("vscode", configuration=enabled(minimumLength=2), local=None)
    [item] = items(await pull(bert.open(text)))
    assert (item.code, item.data["words"][0]) == ("unlikely-word", "too")


async def test_no_word_is_missing_at_markup_or_above_the_threshold(connect: Connect) -> None:
    bert = await connect("vscode", configuration=enabled(), local=None)
    assert await marked(bert.open("The patient was *taken* the hospital by ambulance.", "markdown")) == []
    bert = await connect("vscode", configuration=enabled(threshold=40), local=None)
    assert await marked(bert.open("The patient was taken the hospital by ambulance.")) == []


async def test_missing_words_are_looked_for_in_english_only(puller: Editor, engine: ScriptedEngine) -> None:
    engine.unlikely = {"Gitarre", "Guitar"}
    await pull(puller.open("Der König und die Königin wohnten in einer Gitarre am Fluss."))
    assert not engine.questions(PredictQuestion)
    await pull(puller.open("The king and the queen lived in a large Guitar near the river."))
    assert len(engine.questions(PredictQuestion)) == 2  # before and after the word


async def test_a_change_costs_only_the_paragraph_it_is_in(puller: Editor, engine: ScriptedEngine) -> None:
    engine.unlikely = {"guitar"}
    document = puller.open("\n\n".join(f"{UNLIKELY} Number {number}." for number in range(60)))
    assert len(items(await pull(document))) == 60
    engine.received.clear()
    document.replace("Number 30", "Number 99")
    assert len(items(await pull(document))) == 60
    assert [question.text.rpartition(" ")[2] for question in engine.questions(SurprisalQuestion)] == ["99."]
    assert 0 < len(engine.questions(PredictQuestion)) < 40  # of words that are marked nearby: their passages changed
    engine.received.clear()
    assert len(items(await pull(document))) == 60
    assert engine.received == []


async def test_an_unchanged_result_is_not_sent_again(puller: Editor) -> None:
    document = puller.open(UNLIKELY)
    report = await pull(document)
    assert len(items(report)) == 1
    again = await pull(document, report.result_id)
    assert isinstance(again, types.RelatedUnchangedDocumentDiagnosticReport)
    assert again.result_id == report.result_id
    document.replace("guitar", "house")
    likely_report = await pull(document, report.result_id)
    assert items(likely_report) == []
    document.replace("house", "guitar")
    assert (await pull(document, likely_report.result_id)).result_id == report.result_id


async def test_a_pull_is_cancelled_when_the_document_changes(puller: Editor) -> None:
    document = puller.open(UNLIKELY)
    pulling = asyncio.ensure_future(document.diagnose())
    await puller.settle()
    document.type(" And")
    with pytest.raises(JsonRpcException) as raised:
        await pulling
    assert raised.value.code == types.LSPErrorCodes.ServerCancelled
    assert raised.value.data == {"retriggerRequest": False}
    assert await marked(document) == ["guitar"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (LIKELY, "plaintext"),
        (UNLIKELY.replace("guitar", "Guitar"), "plaintext"),
        (UNLIKELY.replace("guitar", "[MASK]"), "plaintext"),
        (UNLIKELY.replace("guitar", "guitar/house"), "plaintext"),
        (UNLIKELY.replace("guitar", "guitar.com"), "plaintext"),
        (UNLIKELY.replace("guitar", "`guitar`"), "markdown"),
        (f"```\n{UNLIKELY}\n```\n", "markdown"),
        (UNLIKELY.replace("guitar", "<code>guitar</code>"), "html"),
        (UNLIKELY.replace("guitar", "\\texttt{guitar}"), "latex"),
        (UNLIKELY.replace("guitar", "=guitar="), "org"),
        (f"# {UNLIKELY}\n", "python"),
        ("", "plaintext"),
    ],
)
async def test_likely_words_names_and_code_are_not_marked(puller: Editor, text: str, language: str) -> None:
    assert await marked(puller.open(text, language)) == []


async def test_words_of_several_subwords_are_not_marked(connect: Connect) -> None:
    bert = await connect("vscode", configuration=enabled(), local=None)
    assert await marked(bert.open(UNLIKELY.replace("guitar", "xylophonic"))) == []


@pytest.mark.parametrize("language", ["markdown", "tex", "rst", "text", "gitcommit", "typst", "org", "html"])
async def test_languages_are_known_by_their_other_names(puller: Editor, language: str) -> None:
    assert await marked(puller.open(UNLIKELY, language)) == ["guitar"]


async def test_diagnostics_are_published_once_typing_stops(subscriber: Editor) -> None:
    published = Published(subscriber)
    document = subscriber.open(UNLIKELY.replace("guitar", "gui|"))
    document.type("tar")
    assert await published.next(document) == ["guitar"]
    assert [params.version for params in published.all] == [4]  # none for the versions between
    document.replace("guitar", "house")
    assert await published.next(document) == []
    document.replace("house", "guitar")
    assert await published.next(document) == ["guitar"]
    document.close()
    await subscriber.wait_until(lambda: not published.all[-1].diagnostics)


async def test_diagnostics_are_off_by_default_and_turned_on_while_running(
    connect: Connect, engine: ScriptedEngine
) -> None:
    editor = await connect("emacs", configuration={"fillmask": {}})
    published = Published(editor)
    document = editor.open(f"# {UNLIKELY}\n", "python")
    prose = editor.open(UNLIKELY)
    await editor.configure(enabled())
    assert await published.next(prose) == ["guitar"]
    assert len(engine.questions(SurprisalQuestion)) == 1  # none while they were off, none in Python
    await editor.configure(enabled(languages=[], severity="hint"))
    await editor.wait_until(lambda: document.uri in published.latest)
    [item] = published.latest[document.uri].diagnostics
    assert item.severity == types.DiagnosticSeverity.Hint
    await editor.configure({"fillmask": {}})
    await editor.wait_until(lambda: not any(params.diagnostics for params in published.latest.values()))


async def test_a_puller_is_asked_to_pull_when_settings_change(connect: Connect) -> None:
    editor = await connect("neovim", configuration={"fillmask": {}})
    document = editor.open(UNLIKELY)
    assert items(await document.diagnose()) == []
    await editor.settle()
    assert editor.client.diagnostic_refresh_count == 0
    for settings, expected in [
        (enabled(), ["guitar"]),
        (enabled(threshold=100), []),
        (enabled(minimumLength=7), []),
        (enabled(threshold=15), ["guitar"]),
    ]:
        count = editor.client.diagnostic_refresh_count
        await editor.configure(settings)
        await editor.wait_until(lambda count=count: editor.client.diagnostic_refresh_count > count)
        assert await marked(document) == expected


async def actions_at(document: Document) -> dict[str, types.CodeAction]:
    marks = items(await pull(document))
    return await document.actions("guitar", diagnostics=marks)


async def run(editor: Editor, action: types.CodeAction) -> None:
    """Run the command of a code action."""
    assert action.command
    command = types.ExecuteCommandParams(action.command.command, action.command.arguments)
    await editor.client.workspace_execute_command_async(command)


async def test_a_marked_word_has_one_list_of_replacements(puller: Editor) -> None:
    await puller.wait_for_model()
    titles = list(await actions_at(puller.open(UNLIKELY)))
    assert [title for title in titles if title.startswith("Replace with")] == [
        f"Replace with “{word}”" for word in ("house", "river", "garden", "street", "winter")
    ]
    assert not any("Replace “guitar” with “" in title for title in titles)


async def test_a_diagnostic_of_an_older_text_offers_nothing(puller: Editor) -> None:
    document = puller.open(UNLIKELY)
    marks = items(await pull(document))
    document.replace("😀", "Oh")  # in UTF-16, as wide
    assert any(title.startswith("Replace with") for title in await document.actions("guitar", diagnostics=marks))
    document.replace("Oh", "Well")
    titles = list(await document.actions("guitar", diagnostics=marks))
    assert not any(title.startswith(("Replace with", "Ignore", "Add")) for title in titles)


async def test_an_ignored_word_is_no_longer_marked_anywhere(puller: Editor) -> None:
    document, other = puller.open(UNLIKELY), puller.open(UNLIKELY)
    action = (await actions_at(document))["Ignore “guitar”"]
    count = puller.client.diagnostic_refresh_count
    await run(puller, action)
    await puller.wait_until(lambda: puller.client.diagnostic_refresh_count > count)
    assert await marked(document) == await marked(other) == []


async def test_a_document_is_turned_off(puller: Editor) -> None:
    document, other = puller.open(UNLIKELY), puller.open(UNLIKELY)
    action = (await actions_at(document))["Turn off underlines in this file"]
    await run(puller, action)
    assert await marked(document) == []
    assert await marked(other) == ["guitar"]


async def test_a_word_is_added_to_the_users_dictionary(
    puller: Editor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    document = puller.open(UNLIKELY)
    action = (await actions_at(document))["Add “guitar” to the dictionary"]
    await run(puller, action)
    assert (tmp_path / "fillmask-ls/dictionary.txt").read_text(encoding="utf-8") == "guitar\n"
    assert await marked(document) == []


async def test_a_word_of_the_workspaces_dictionary_is_not_marked(connect: Connect, tmp_path: Path) -> None:
    folders = ["file://[", "untitled:a", tmp_path.as_uri()]
    editor = await connect("vscode", configuration=enabled(), folders=folders)
    document = editor.open(UNLIKELY)
    action = (await actions_at(document))["Add “guitar” to this workspace's dictionary"]
    await run(editor, action)
    assert (tmp_path / ".fillmask/dictionary.txt").read_text(encoding="utf-8") == "guitar\n"
    assert await marked(document) == []


async def test_an_ignored_word_is_compared_without_regard_to_how_capitals_are_spelled(
    puller: Editor, engine: ScriptedEngine
) -> None:
    engine.unlikely = {"straße"}
    document = puller.open("The king and the queen lived in a large straße near the river.")
    assert await marked(document) == ["straße"]
    await puller.client.workspace_execute_command_async(
        types.ExecuteCommandParams("fillmask.ignoreWord", [{"word": "Straße"}])
    )
    assert await marked(document) == []


@pytest.mark.parametrize("word", ["\ud800", "a\nb", "a\u2028b", " "])
async def test_what_a_dictionary_cannot_contain_is_refused(puller: Editor, word: str) -> None:
    with pytest.raises(JsonRpcException, match=r"[Dd]ictionary"):
        await puller.client.workspace_execute_command_async(
            types.ExecuteCommandParams("fillmask.addToDictionary", [{"word": word}])
        )
