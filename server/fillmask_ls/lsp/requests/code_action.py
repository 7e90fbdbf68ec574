"""``textDocument/codeAction`` and ``codeAction/resolve``: fill, mask, restore and replace words."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from fillmask_ls import MASK
from fillmask_ls.documents import masks
from fillmask_ls.documents.masks import Focus
from fillmask_ls.documents.word_spans import is_fixed, word_in_selection
from fillmask_ls.engine.api import SubstitutesQuestion
from fillmask_ls.presentation.percent import percent
from fillmask_ls.spans import Span
from fillmask_ls.words import find_unmasked_words

from .. import edits
from ..predictions import predict_mask, substitutes_question
from ..session import Session
from ..snapshot import Snapshot
from .diagnostic import MISSING_WORD, offered_words

_QUICK_FIX = types.CodeActionKind.QuickFix
_REWRITE = types.CodeActionKind.RefactorRewrite

OPTIONS = types.CodeActionOptions(code_action_kinds=[_QUICK_FIX, _REWRITE], resolve_provider=True)

_MAX_FILLS = 3
_MAX_SINGLE_FILLS = 3
"""Maximum number of selected masks with an action each: a longer menu would bury the actions for all of them."""
_MAX_SUBSTITUTES = 3
_MASKING_RATE = 0.15
_SEEDS = 2**31
_MAX_TITLE_WORD = 30
_MAX_LOOK = 1_000
"""Characters of a selection in which two words are looked for."""


async def code_action(
    session: Session, snapshot: Snapshot, params: types.CodeActionParams
) -> list[types.CodeAction | types.Command] | None:
    """Return the actions for a mask, a word, a selection, or a word marked as unlikely.

    For an automatic request, as after a cursor movement, return only those for a mask or a marked word.
    """
    if not snapshot.capabilities.action_literals:
        return None
    span, only = snapshot.span(params.range), params.context.only
    is_invoked = params.context.trigger_kind is not types.CodeActionTriggerKind.Automatic
    focus = masks.mask_in_selection(snapshot.document, span)
    if focus is None and span[0] == span[1]:
        focus = masks.mask_before_cursor(snapshot.document, span[0])
    actions = [
        action
        for diagnostic in params.context.diagnostics
        for action in _diagnostic_actions(session, snapshot, diagnostic)
    ]
    is_marked = bool(actions)
    actions += _mask_spellings(snapshot, span)
    if focus and _is_wanted(_QUICK_FIX, only):
        actions += await _mask_actions(session, snapshot, focus)
    if _is_wanted(_REWRITE, only) and (focus or is_invoked):
        actions += await _rewrite_actions(session, snapshot, span, focus, with_substitutes=not is_marked)
    return [action for action in actions if _is_wanted(action.kind or _REWRITE, only)] or None


async def resolve(session: Session, action: types.CodeAction) -> types.CodeAction:
    """Return the action with its edit.

    Raises:
        JsonRpcException: the document was changed since the action was offered, or the action is not ours.
    """
    if action.edit is not None or action.data is None:
        return action
    data = _ActionData.parse(action.data)
    document = session.document_at(data.uri, data.version)
    async with session.snapshot(document) as snapshot:
        action.edit = await _edit(session, snapshot, data)
    return action


@dataclass(frozen=True, slots=True)
class _ActionData:
    """The work of an action without an edit: ``fill`` or ``mask`` (at random, with ``seed``) a span of one version."""

    kind: str
    uri: str
    version: int
    span: Span
    seed: int = 0

    @staticmethod
    def parse(data: Any) -> _ActionData:
        """Return the data that a client sent back.

        Raises:
            JsonRpcInvalidParams: the data is not ours.
        """
        match {"seed": 0, **data} if isinstance(data, dict) else data:
            case {
                "do": "fill" | "mask" as kind,
                "uri": str(uri),
                "version": int(version),
                "start": int(start),
                "end": int(end),
                "seed": int(seed),
            } if 0 <= start <= end and 0 <= seed < _SEEDS:
                return _ActionData(kind, uri, version, (start, end), seed)
        raise JsonRpcInvalidParams("the code action is not one of this server's")

    def to_json(self) -> dict[str, Any]:
        return {
            "do": self.kind,
            "uri": self.uri,
            "version": self.version,
            "start": self.span[0],
            "end": self.span[1],
            "seed": self.seed,
        }


async def _edit(session: Session, snapshot: Snapshot, data: _ActionData) -> types.WorkspaceEdit:
    if data.kind == "fill":
        replacements = await edits.fill_masks(session, snapshot, data.span)
    else:
        replacements = await edits.mask_randomly(
            session, snapshot, data.span, rate=_MASKING_RATE, seed=data.seed, whole_words=True
        )
    return edits.workspace_edit(snapshot, replacements)


def _diagnostic_actions(session: Session, snapshot: Snapshot, diagnostic: types.Diagnostic) -> list[types.CodeAction]:
    """Return the actions that write an expected or missing word, and those that leave the text alone.

    An editor may send a diagnostic of an older text at its old range: for that, return none.
    """
    span = snapshot.span(diagnostic.range)
    words = offered_words(diagnostic, snapshot.document.slice(*span))
    if not words:
        return []
    word = " ".join(snapshot.document.slice(*span).split())
    shown = _shortened(word)
    is_missing = diagnostic.code == MISSING_WORD
    first_end = span[0] + len(word.partition(" ")[0])
    fixed = (first_end, first_end) if is_missing else span
    fixes = [
        types.CodeAction(
            title=f"Insert “{offered}”" if is_missing else f"Replace with “{offered}”",
            kind=_QUICK_FIX,
            diagnostics=[diagnostic],
            edit=edits.workspace_edit(snapshot, [(fixed, f" {offered}" if is_missing else offered)]),
        )
        for offered in words
    ]
    commands = [
        (f"Ignore “{shown}”", "fillmask.ignoreWord", {"word": word}),
        ("Turn off underlines in this file", "fillmask.turnOffDiagnostics", {"uri": snapshot.document.uri}),
    ]
    if not is_missing:
        commands.insert(1, (f"Add “{shown}” to the dictionary", "fillmask.addToDictionary", {"word": word}))
    if session.dictionary.folders and not is_missing:
        workspace = (
            f"Add “{shown}” to this workspace's dictionary",
            "fillmask.addToDictionary",
            {"word": word, "scope": "workspace"},
        )
        commands.insert(2, workspace)
    return fixes + [
        types.CodeAction(
            title=title,
            kind=_QUICK_FIX,
            diagnostics=[diagnostic],
            command=types.Command(title, name, arguments=[argument]),
        )
        for title, name, argument in commands
    ]


def _mask_spellings(snapshot: Snapshot, span: Span) -> list[types.CodeAction]:
    """Return the action that writes a mask as this server reads it, where another spelling is at the cursor."""
    misspelled = masks.misspelled_mask_at(snapshot.document, span[0])
    if misspelled is None:
        return []
    title = f"Write “{snapshot.document.slice(*misspelled)}” as {MASK}"
    edit = edits.workspace_edit(snapshot, [(misspelled, MASK)])
    return [types.CodeAction(title, kind=_QUICK_FIX, edit=edit, is_preferred=True)]


async def _mask_actions(session: Session, snapshot: Snapshot, focus: Focus) -> list[types.CodeAction]:
    """Return the quick fixes that fill a mask with one of its best words."""
    answer = await predict_mask(session, snapshot, focus)
    return [
        types.CodeAction(
            title=f"Fill with “{word.text}” ({percent(word.probability)})",
            kind=_QUICK_FIX,
            edit=edits.workspace_edit(snapshot, [((focus.start, focus.typed_end), word.text)]),
            is_preferred=rank == 0 or None,
        )
        for rank, word in enumerate(answer.candidates[:_MAX_FILLS])
    ]


async def _rewrite_actions(
    session: Session, snapshot: Snapshot, span: Span, focus: Focus | None, *, with_substitutes: bool
) -> list[types.CodeAction]:
    document, is_selection = snapshot.document, span[1] > span[0]
    selected = document.masks(*span) if is_selection else []
    actions = _fill_actions(snapshot, span, focus, len(selected))
    if 1 < len(selected) <= _MAX_SINGLE_FILLS:
        actions += await _single_mask_actions(session, snapshot, selected)
    if focus or selected:
        actions += _restore_actions(snapshot, (focus.start, focus.end) if focus else span)
    if is_selection and len(find_unmasked_words(document.slice(span[0], min(span[1], span[0] + _MAX_LOOK)))) > 1:
        title = f"Replace {_MASKING_RATE:.0%} of the words in the selection with blanks".replace("%", " %")
        actions.append(_deferred_action(snapshot, title, "mask", span, seed=secrets.randbelow(_SEEDS)))
    if not focus and not selected:
        actions += await _word_actions(session, snapshot, span, with_substitutes=with_substitutes)
    if not snapshot.capabilities.resolve_action_edits:
        for action in actions:
            if action.data is not None:
                action.edit = await _edit(session, snapshot, _ActionData.parse(action.data))
    return actions


def _fill_actions(snapshot: Snapshot, span: Span, focus: Focus | None, selected: int) -> list[types.CodeAction]:
    """Return the actions that fill several masks together: of the paragraph, the selection, the document."""
    document, actions = snapshot.document, []
    if focus:
        paragraph = masks.paragraph(document, focus.start)
        count = len(document.masks(*paragraph))
        if count > 1:
            actions.append(
                _deferred_action(snapshot, f"Fill the {count} blanks of this paragraph together", "fill", paragraph)
            )
    if selected > 1:
        actions.append(_deferred_action(snapshot, f"Fill the {selected} blanks of the selection", "fill", span))
    count = len(document.masks(0, len(document)))
    if (focus or selected) and count > max(selected, 1):
        actions.append(
            _deferred_action(snapshot, f"Fill all {count} blanks of the document", "fill", (0, len(document)))
        )
    return actions


async def _single_mask_actions(
    session: Session, snapshot: Snapshot, selected: Sequence[Span]
) -> list[types.CodeAction]:
    """Return an action for each mask with its best word, because Kate requests actions for the whole line."""
    actions = []
    for number, mask in enumerate(selected, 1):
        answer = await predict_mask(session, snapshot, Focus(*mask))
        for word in answer.candidates[:1]:
            title = f"Fill blank {number} of {len(selected)} with “{word.text}” ({percent(word.probability)})"
            edit = edits.workspace_edit(snapshot, [(mask, word.text)])
            actions.append(types.CodeAction(title=title, kind=_REWRITE, edit=edit))
    return actions


def _restore_actions(snapshot: Snapshot, span: Span) -> list[types.CodeAction]:
    words = edits.restore_words(snapshot, span)
    if not words:
        return []
    title = "Restore the word in the blank" if len(words) == 1 else f"Restore the words in {len(words)} blanks"
    return [types.CodeAction(title, kind=_REWRITE, edit=edits.workspace_edit(snapshot, words))]


async def _word_actions(
    session: Session, snapshot: Snapshot, span: Span, *, with_substitutes: bool
) -> list[types.CodeAction]:
    """Return the actions that mask the word at the cursor, open a list of its substitutes, or replace it with one."""
    word_span = word_in_selection(snapshot.document, span)
    if word_span is None or masks.is_at_mask(snapshot.document, word_span):
        return []
    with_substitutes = with_substitutes and not is_fixed(snapshot.document, word_span)
    word = snapshot.document.slice(*word_span)
    edit = edits.workspace_edit(snapshot, [(word_span, MASK)])
    actions = [types.CodeAction(f"Replace “{_shortened(word)}” with a blank", kind=_REWRITE, edit=edit)]
    if snapshot.capabilities.suggest_command and await _has_suggestions(snapshot, word_span):
        actions.append(_suggest_action(snapshot, word_span))
    engine = session.engine
    # Never let the menu wait for a model to load.
    if not with_substitutes or engine.model_name is None or engine.starts_local_load(SubstitutesQuestion):
        return actions
    passage = await snapshot.masked_passage(word_span)
    for substitute in await engine.substitutes(substitutes_question(passage, word, _MAX_SUBSTITUTES)):
        edit = edits.workspace_edit(snapshot, [(word_span, substitute.text)])
        title = f"Replace “{_shortened(word)}” with “{substitute.text}” ({percent(substitute.probability)})"
        actions.append(types.CodeAction(title, kind=_REWRITE, edit=edit))
    return actions


async def _has_suggestions(snapshot: Snapshot, word_span: Span) -> bool:
    """Return whether words are suggested for a word: in prose, if the user wants suggestions without a mask at all."""
    if snapshot.settings.completion_without_mask == "never" or is_fixed(snapshot.document, word_span):
        return False
    return await snapshot.prose_passage(word_span) is not None


def _suggest_action(snapshot: Snapshot, word_span: Span) -> types.CodeAction:
    """Return the action that lists the word's substitutes, at its start: letters before the cursor would narrow the list."""
    title = f"Suggest other words for “{_shortened(snapshot.document.slice(*word_span))}”"
    start = snapshot.range(word_span).start
    position = {"line": start.line, "character": start.character}
    command = types.Command(title, "fillmask.suggest", arguments=[{"position": position}])
    return types.CodeAction(title, kind=_REWRITE, command=command)


def _deferred_action(snapshot: Snapshot, title: str, kind: str, span: Span, *, seed: int = 0) -> types.CodeAction:
    """Return an action whose edit is computed when it is chosen."""
    document = snapshot.document
    data = _ActionData(kind, document.uri, document.version, span, seed)
    return types.CodeAction(title=title, kind=_REWRITE, data=data.to_json())


def _is_wanted(kind: types.CodeActionKind | str, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Return whether a client that asks ``only`` for some kinds wants this one: a kind includes those below it."""
    return only is None or any(not each or f"{_name(kind)}.".startswith(f"{_name(each)}.") for each in only)


def _name(kind: types.CodeActionKind | str) -> str:
    return kind.value if isinstance(kind, types.CodeActionKind) else kind


def _shortened(word: str) -> str:
    return word if len(word) <= _MAX_TITLE_WORD else word[: _MAX_TITLE_WORD - 1] + "…"
