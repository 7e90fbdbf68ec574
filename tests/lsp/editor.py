"""An editor as a person uses it: documents to type in, completions to accept, actions to run.

The client is pytest-lsp's. The server runs in the test's own process, or is the installed program.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pytest_lsp import LanguageClient
from pytest_lsp.client import make_test_lsp_client

from fillmask_ls.engine.api import Engine
from lsp.in_process import Clock, InProcessClient, client_converter
from wire import SERVER

CLIENTS = Path(__file__).parent / "clients"
ENCODINGS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
_numbers = itertools.count()

T = TypeVar("T")


def capabilities(name: str) -> types.ClientCapabilities:
    """Return the recorded capabilities of a real editor."""
    raw = json.loads(next(CLIENTS.glob(f"{name}_*.json")).read_text())
    return client_converter().structure(raw, types.ClientCapabilities)


@dataclass
class Document:
    """A document in the editor."""

    editor: Editor
    uri: str
    text: str
    cursor: int
    version: int = 1

    def position(self, index: int) -> types.Position:
        """Return the protocol's position of an index in the text."""
        before = self.text[:index]
        line = before.count("\n") + before.count("\r") - before.count("\r\n")
        start = max(before.rfind("\n"), before.rfind("\r")) + 1
        codec, size = ENCODINGS[self.editor.encoding]
        return types.Position(line, len(before[start:].encode(codec)) // size)

    def index(self, position: types.Position) -> int:
        codec, size = ENCODINGS[self.editor.encoding]
        start = [0, *(end.end() for end in re.finditer(r"\r\n|\r|\n", self.text))][position.line]
        units = self.text[start : start + position.character].encode(codec)[: position.character * size]
        return start + len(units.decode(codec))

    def type(self, text: str) -> None:
        """Insert ``text`` at the cursor, one change a character."""
        for character in text:
            at = self.position(self.cursor)
            self._change(types.TextDocumentContentChangePartial(range=types.Range(at, at), text=character))
            self.text = self.text[: self.cursor] + character + self.text[self.cursor :]
            self.cursor += 1

    def replace(self, old: str, new: str) -> None:
        """Replace the first ``old`` with ``new`` in one change, and put the cursor after it."""
        at = self.text.index(old)
        range_ = types.Range(self.position(at), self.position(at + len(old)))
        self._change(types.TextDocumentContentChangePartial(range=range_, text=new))
        self.text = self.text[:at] + new + self.text[at + len(old) :]
        self.cursor = at + len(new)

    def replace_all(self, text: str) -> None:
        """Replace the whole text, as clients without incremental changes do."""
        self._change(types.TextDocumentContentChangeWholeDocument(text))
        self.text = text

    def close(self) -> None:
        identifier = types.TextDocumentIdentifier(self.uri)
        self.editor.client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))

    def text_in(self, range_: types.Range) -> str:
        """Return the text of a range."""
        return self.text[self.index(range_.start) : self.index(range_.end)]

    def _change(self, change: Any) -> None:
        self.version += 1
        identifier = types.VersionedTextDocumentIdentifier(uri=self.uri, version=self.version)
        self.editor.client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))

    async def complete(self, trigger: str | None = None) -> list[types.CompletionItem] | None:
        context = types.CompletionContext(
            trigger_kind=types.CompletionTriggerKind.TriggerCharacter
            if trigger
            else types.CompletionTriggerKind.Invoked,
            trigger_character=trigger,
        )
        params = types.CompletionParams(
            types.TextDocumentIdentifier(self.uri), self.position(self.cursor), context=context
        )
        result = await self.editor.client.text_document_completion_async(params)
        assert result is None or isinstance(result, types.CompletionList)
        return None if result is None else [_with_defaults(item, result.item_defaults) for item in result.items]

    def text_after_accepting(self, item: types.CompletionItem) -> str:
        """Return the text after an editor accepts ``item``."""
        edit = item.text_edit
        assert isinstance(edit, types.TextEdit)
        assert item.additional_text_edits is None
        start, end = self.index(edit.range.start), self.index(edit.range.end)
        assert start <= self.cursor <= end  # the protocol's condition on a completion's edit
        assert (item.filter_text or item.label).lower().startswith(self.text[start : self.cursor].lower()[:6])
        return self.text[:start] + edit.new_text + self.text[end:]

    def range(self, of: str = "") -> types.Range:
        """Return the range of the first ``of``, by default of the whole text."""
        start = self.text.index(of) if of else 0
        return types.Range(self.position(start), self.position(start + len(of or self.text)))

    def apply_edit(self, edit: types.WorkspaceEdit) -> None:
        """Apply an edit as an editor does: all replacements in one notification."""
        if edit.document_changes:
            [change] = edit.document_changes
            assert isinstance(change, types.TextDocumentEdit)
            assert (change.text_document.uri, change.text_document.version) == (self.uri, self.version)
            edits = [each for each in change.edits if isinstance(each, types.TextEdit)]
        else:
            assert edit.changes
            edits = list(edit.changes[self.uri])
        places = sorted((self.index(each.range.start), self.index(each.range.end), each.new_text) for each in edits)
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(places)), "edits overlap"
        changes: list[types.TextDocumentContentChangeEvent] = []
        for start, end, text in reversed(places):
            at = types.Range(self.position(start), self.position(end))
            changes.append(types.TextDocumentContentChangePartial(range=at, text=text))
            self.text = self.text[:start] + text + self.text[end:]
        self.version += 1
        identifier = types.VersionedTextDocumentIdentifier(uri=self.uri, version=self.version)
        self.editor.client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, changes))

    async def actions(
        self,
        selected: str,
        *,
        only: list[str] | None = None,
        automatic: bool = False,
        diagnostics: list[types.Diagnostic] | None = None,
    ) -> dict[str, types.CodeAction]:
        """Return the code actions for a selection of the first ``selected``, by title.

        If ``selected`` ends with ``|``, the selection is empty and the cursor is there.
        """
        selection = self.range(selected.removesuffix("|"))
        kind = types.CodeActionTriggerKind.Automatic if automatic else types.CodeActionTriggerKind.Invoked
        context = types.CodeActionContext(diagnostics=diagnostics or [], only=only, trigger_kind=kind)
        result = await self.editor.client.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(self.uri),
                types.Range(selection.end, selection.end) if selected.endswith("|") else selection,
                context,
            )
        )
        assert all(isinstance(action, types.CodeAction) for action in result or [])
        return {action.title: action for action in result or [] if isinstance(action, types.CodeAction)}

    async def apply_action(self, action: types.CodeAction) -> None:
        """Resolve an action if necessary, and apply its edit."""
        if action.edit is None:
            action = await self.editor.client.code_action_resolve_async(action)
        assert action.edit
        self.apply_edit(action.edit)

    async def command(self, name: str, **argument: Any) -> Any:
        """Execute a command on this document, and apply the edits that the server requests."""
        self.editor.edited = self
        params = types.ExecuteCommandParams(name, [{"uri": self.uri, **argument}])
        return await self.editor.client.workspace_execute_command_async(params)

    async def hover(self, text: str) -> types.Hover | None:
        """Hover over the middle of the first ``text``."""
        index = self.text.index(text) + len(text) // 2
        params = types.HoverParams(types.TextDocumentIdentifier(self.uri), self.position(index))
        return await self.editor.client.text_document_hover_async(params)

    async def diagnose(self, previous: str | None = None) -> types.DocumentDiagnosticReport:
        params = types.DocumentDiagnosticParams(
            types.TextDocumentIdentifier(self.uri), "fillmask", previous_result_id=previous
        )
        return await self.editor.client.text_document_diagnostic_async(params)


def _with_defaults(item: types.CompletionItem, defaults: types.CompletionItemDefaults | None) -> types.CompletionItem:
    """Return the item with the defaults of its list."""
    if defaults and isinstance(defaults.edit_range, types.Range) and item.text_edit is None:
        item.text_edit = types.TextEdit(defaults.edit_range, item.text_edit_text or item.label)
    if defaults and item.data is None:
        item.data = defaults.data
    return item


@dataclass
class Editor:
    """An editor with its server.

    Attributes:
        edited: the document that ``workspace/applyEdit`` changes.
        clock: the clock of a server in this process; None for the installed program.
    """

    client: LanguageClient
    result: types.InitializeResult
    edited: Document | None = None
    clock: Clock | None = None

    @property
    def encoding(self) -> str:
        return str(self.result.capabilities.position_encoding or "utf-16")

    @property
    def messages(self) -> list[str]:
        """The messages shown to the user."""
        return [message.message for message in self.client.messages]

    async def wait_for_model(self) -> None:
        """Wait until a model is loaded, with a hover, which waits for it."""
        document = self.open("It was a [MASK] day.")
        await document.hover("[MASK]")
        document.close()

    async def status(self) -> Any:
        """Return the result of the command ``fillmask.status``."""
        return await self.client.workspace_execute_command_async(types.ExecuteCommandParams("fillmask.status"))

    async def settle(self) -> None:
        """Wait until the server has handled all messages sent so far.

        Afterwards a test can assert that the server sent no message in response to them.
        """
        for _ in range(3):  # a response to a request of the server may start more work
            await self.status()

    async def configure(self, settings: dict[str, Any], scope_uri: str | None = None) -> None:
        """Change the client's configuration and tell the server."""
        self.client.set_configuration(settings, scope_uri=scope_uri)
        self.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
        await self.settle()

    def push_settings(self, settings: Any) -> None:
        """Send settings as clients do that don't support ``workspace/configuration``."""
        self.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(settings))

    async def skip_pauses(self, work: Awaitable[T]) -> T:
        """Return the result of ``work``, and advance the clock while the server pauses."""
        assert self.clock is not None
        task = asyncio.ensure_future(work)
        while not task.done():
            await self.status()
            self.clock.advance(0.1)
        return task.result()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition of the received messages is true, and advance the clock while the server pauses."""

        async def poll() -> None:
            while not condition():
                await self.status()

        await self.skip_pauses(poll())

    async def wait_until_status(self, condition: Callable[[Any], bool]) -> None:
        """Wait until a condition of the server's status is true, and advance the clock while the server pauses."""
        assert self.clock is not None
        while not condition(await self.status()):
            self.clock.advance(0.1)

    def open(self, marked: str, language: str = "plaintext", uri: str = "") -> Document:
        """Open a document whose cursor is at ``|``, by default at the end."""
        cursor = marked.index("|") if "|" in marked else len(marked)
        text = marked.replace("|", "", 1)
        uri = uri or f"file:///folder%20one/{next(_numbers)}.txt"
        item = types.TextDocumentItem(uri=uri, language_id=language, version=1, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return Document(self, uri, text, cursor)


async def start(
    client: str | types.ClientCapabilities,
    *,
    options: Any = None,
    configuration: dict[str, Any] | None = None,
    local: Engine | None = None,
    folders: Sequence[str] = (),
) -> Editor:
    """Start a server in this process for a recorded editor, or one with the given capabilities.

    Args:
        options: the initialization options.
        folders: the URIs of the workspace's folders.
        configuration: the client's response to ``workspace/configuration``.
        local: the server's local engine; by default one with the embedded model.
    """
    return await _initialize(InProcessClient(local), client, options, configuration, Clock(), folders)


async def start_program(
    client: str | types.ClientCapabilities, *, options: Any = None, configuration: dict[str, Any] | None = None
) -> Editor:
    """Start the installed program for an editor, as :func:`start` does with a server in this process."""
    process = make_test_lsp_client()
    await process.start_io(*SERVER)
    return await _initialize(process, client, options, configuration, None)


async def _initialize(
    client: LanguageClient,
    announced: str | types.ClientCapabilities,
    options: Any,
    configuration: Any,
    clock: Clock | None,
    folders: Sequence[str] = (),
) -> Editor:
    if configuration is not None:
        client.set_configuration(configuration)
    result = await client.initialize_session(
        types.InitializeParams(
            capabilities=capabilities(announced) if isinstance(announced, str) else announced,
            initialization_options=options,
            workspace_folders=[types.WorkspaceFolder(uri, "folder") for uri in folders],
        )
    )
    editor = Editor(client, result, clock=clock)

    @client.feature(types.WORKSPACE_APPLY_EDIT)
    def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        assert editor.edited
        editor.edited.apply_edit(params.edit)
        return types.ApplyWorkspaceEditResult(applied=True)

    return editor


async def stop(editor: Editor) -> None:
    """End the session; kill a program that does not end."""
    if isinstance(editor.client, InProcessClient):
        await editor.client.leave()
        return
    program = editor.client._server
    assert program is not None
    try:
        await asyncio.wait_for(editor.client.shutdown_session(), 30)
    finally:
        if program.returncode is None:  # after an internal error, the client sends nothing
            program.kill()
        await editor.client.stop()
