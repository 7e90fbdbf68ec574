"""``textDocument/codeAction``: fill, hide, restore and replace words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsprotocol import types

from fillmask_ls import MASK
from fillmask_ls.presentation.percent import percent

from . import diagnostics

QUICK_FIX = types.CodeActionKind.QuickFix
REWRITE = types.CodeActionKind.RefactorRewrite
KINDS = [QUICK_FIX, REWRITE]


def wanted(kind: types.CodeActionKind | str, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    """Whether a client that asks ``only`` for some kinds wants this one: a kind contains those below it."""
    return only is None or any(not each or f"{_name(kind)}.".startswith(f"{_name(each)}.") for each in only)


def fill(word: str, probability: float, edit: types.WorkspaceEdit, *, best: bool) -> types.CodeAction:
    """Put a word in a mask's place."""
    return types.CodeAction(
        title=f"Fill with “{word}” ({percent(probability)})", kind=QUICK_FIX, edit=edit, is_preferred=best or None
    )


def fill_one(number: int, count: int, word: str, probability: float, edit: types.WorkspaceEdit) -> types.CodeAction:
    """Put a word in the place of one of the masks that are selected."""
    return types.CodeAction(
        title=f"Fill mask {number} of {count} with “{word}” ({percent(probability)})", kind=REWRITE, edit=edit
    )


def replace(old: str, new: str, edit: types.WorkspaceEdit) -> types.CodeAction:
    """Put another word in a word's place."""
    return types.CodeAction(title=f"Replace “{_short(old)}” with “{new}”", kind=REWRITE, edit=edit)


def hide(word: str, edit: types.WorkspaceEdit) -> types.CodeAction:
    """Put a mask in a word's place."""
    return types.CodeAction(title=f"Put {MASK} in the place of “{_short(word)}”", kind=REWRITE, edit=edit)


def restore(count: int, edit: types.WorkspaceEdit) -> types.CodeAction:
    """Put the words back that masks hide."""
    what = "the word that this mask hides" if count == 1 else f"the words that {count} masks hide"
    return types.CodeAction(title=f"Put back {what}", kind=REWRITE, edit=edit)


def later(title: str, data: dict[str, Any]) -> types.CodeAction:
    """An action whose edit is asked for when it is chosen, by its ``data``."""
    return types.CodeAction(title=title, kind=REWRITE, data=data)


def fixes(diagnostic: types.Diagnostic) -> list[str]:
    """The words that a diagnostic of ours offers."""
    data = diagnostic.data
    words = data.get("words") if diagnostic.code == diagnostics.CODE and isinstance(data, dict) else None
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []


def fix(diagnostic: types.Diagnostic, word: str, edit: types.WorkspaceEdit) -> types.CodeAction:
    """Put an expected word in the place of an unlikely one."""
    return types.CodeAction(title=f"Replace with “{word}”", kind=QUICK_FIX, diagnostics=[diagnostic], edit=edit)


def _name(kind: types.CodeActionKind | str) -> str:
    return kind.value if isinstance(kind, types.CodeActionKind) else kind


def _short(word: str) -> str:
    return word if len(word) <= 30 else word[:29] + "…"
