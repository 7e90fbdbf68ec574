"""Code actions: what can be done at a place, and the edits that do it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from fillmask_ls import MASK
from fillmask_ls.documents import masks
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.documents.word_spans import word_in_selection
from fillmask_ls.engine.api import SubstitutesQuestion
from fillmask_ls.spans import Span

from . import client, rewriting
from .edits import Replacements, changed, workspace_edit
from .features import code_actions
from .features.places import span_of

if TYPE_CHECKING:
    from .server import FillmaskServer

_FILLS = 3
_EACH = 3
"""How many selected masks are offered their best word one by one: a longer menu would bury what is done to all."""
_REPLACEMENTS = 3
_SHARE = 0.15


async def act(server: FillmaskServer, params: types.CodeActionParams) -> list[types.CodeAction | types.Command] | None:
    """What can be done at a mask, a word, a selection, or about a word that is marked as unlikely.

    Unasked, when the cursor only moved, there is nothing but what a mask or a marked word needs.
    """
    document = server.protocol.documents.get(params.text_document.uri)
    if document is None or not client.takes_action_literals(server.client_capabilities):
        return None
    span = span_of(document, params.range)
    only, invoked = params.context.only, params.context.trigger_kind is not types.CodeActionTriggerKind.Automatic
    found: list[types.CodeAction] = []
    for diagnostic in params.context.diagnostics:
        for word in code_actions.fixes(diagnostic):
            edit = edited(server, document, [(span_of(document, diagnostic.range), word)])
            found.append(code_actions.fix(diagnostic, word, edit))
    target = masks.mask_in_selection(document, span)
    if target and code_actions.wanted(code_actions.QUICK_FIX, only):
        found += await _fills(server, document, target)
    if code_actions.wanted(code_actions.REWRITE, only) and (target or invoked):
        found += await _rewrites(server, document, span, target)
    return [action for action in found if code_actions.wanted(action.kind or code_actions.REWRITE, only)] or None


async def _fills(server: FillmaskServer, document: TextDocument, target: masks.Target) -> list[types.CodeAction]:
    ranking, passage = await server.rank(document, target, lambda settings: max(_FILLS, settings.hover_top_k))
    return [
        code_actions.fill(
            word.text,
            word.probability,
            edited(server, document, [((target.start, target.end), word.text)]),
            best=rank == 0,
        )
        for rank, word in enumerate(ranking.predictions[passage.focus].candidates[:_FILLS])
    ]


async def _fills_each(server: FillmaskServer, document: TextDocument, selected: list[Span]) -> list[types.CodeAction]:
    """The best word for each of some masks: Kate asks for its whole line, wherever the cursor is."""

    async def best() -> list[types.CodeAction]:
        found = []
        for number, mask in enumerate(selected, 1):
            ranking, passage = await server.rank(document, masks.Target(*mask), lambda settings: settings.hover_top_k)
            for word in ranking.predictions[passage.focus].candidates[:1]:
                edit = edited(server, document, [(mask, word.text)])
                found.append(code_actions.fill_one(number, len(selected), word.text, word.probability, edit))
        return found

    return await server.unless_changed(document, best())


async def _rewrites(
    server: FillmaskServer, document: TextDocument, span: Span, target: masks.Target | None
) -> list[types.CodeAction]:
    found: list[types.CodeAction] = []
    selected = document.masks(*span) if span[1] > span[0] else []
    if target:
        around = masks.paragraph(document, target.start)
        count = len(document.masks(*around))
        if count > 1:
            found.append(_fill_later(document, f"Fill the {count} masks of this paragraph together", around))
    if len(selected) > 1:
        found.append(_fill_later(document, f"Fill the {len(selected)} masks of the selection", span))
        if len(selected) <= _EACH:
            found += await _fills_each(server, document, selected)
    if target or selected:
        count = len(document.masks(0, len(document)))
        if count > max(len(selected), 1):
            found.append(_fill_later(document, f"Fill all {count} masks of the document", (0, len(document))))
    for hiding in [(target.start, target.end)] if target else [span] if selected else []:
        words = rewriting.restored(document, hiding)
        if words:
            found.append(code_actions.restore(len(words), edited(server, document, words)))
    if span[1] > span[0] and not (target and target.start <= span[0] and span[1] <= target.end):
        data = {"do": "mask", "seed": secrets.randbelow(2**31), **_about(document, span)}
        found.append(code_actions.later(f"Mask {_SHARE:.0%} of the selection at random".replace("%", " %"), data))
    if not target and not selected:
        found += await _about_word(server, document, span)
    if not client.resolves_action_edits(server.client_capabilities):
        found = [await resolve_action(server, action) if action.data else action for action in found]
    return found


async def _about_word(server: FillmaskServer, document: TextDocument, span: Span) -> list[types.CodeAction]:
    """Hide the word that the cursor is at or that is selected, or put another in its place."""
    at = word_in_selection(document, span)
    if at is None:
        return []
    word = document.slice(*at)
    found = [code_actions.hide(word, edited(server, document, [(at, MASK)]))]
    # The user would wait for a model to be loaded.
    if server.engine.model_name is None or server.engine.starts_local_load(SubstitutesQuestion):
        return found

    async def others() -> list[types.CodeAction]:
        passage = await server.passage_with_mask(document, at)
        start, end = passage.masks[passage.focus]
        text = passage.text[:start] + word + passage.text[end:]
        query = SubstitutesQuestion(text, (start, start + len(word)), _REPLACEMENTS)
        return [
            code_actions.replace(word, other.text, edited(server, document, [(at, other.text)]))
            for other in await server.engine.substitutes(query)
        ]

    return found + await server.unless_changed(document, others())


def _fill_later(document: TextDocument, title: str, span: Span) -> types.CodeAction:
    return code_actions.later(title, {"do": "fill", **_about(document, span)})


def _about(document: TextDocument, span: Span) -> dict[str, Any]:
    return {"uri": document.uri, "version": document.version, "start": span[0], "end": span[1]}


async def resolve_action(server: FillmaskServer, action: types.CodeAction) -> types.CodeAction:
    """The action with its edit.

    Raises:
        JsonRpcException: the document was changed since the action was offered, or the action is not one of ours.
    """
    data = action.data
    if action.edit is not None or data is None:
        return action
    try:
        document = server.protocol.documents.get(data["uri"])
        version, span, do = data["version"], (int(data["start"]), int(data["end"])), data["do"]
        seed = int(data.get("seed", 0))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise JsonRpcInvalidParams("the code action is not one of this server's") from error
    if document is None or document.version != version:
        raise changed()
    if do == "fill":
        replacements = await server.unless_changed(document, rewriting.filled(server, document, span))
    else:
        replacements = await server.unless_changed(
            document, rewriting.masked(server, document, span, rate=_SHARE, seed=seed, whole_words=True)
        )
    action.edit = edited(server, document, replacements)
    return action


def edited(server: FillmaskServer, document: TextDocument, replacements: Replacements) -> types.WorkspaceEdit:
    """The replacements as an edit that the client takes."""
    return workspace_edit(document, replacements, versioned=client.takes_versioned_edits(server.client_capabilities))
