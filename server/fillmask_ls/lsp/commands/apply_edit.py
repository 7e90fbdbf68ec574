"""Apply a command's replacements in the client."""

from __future__ import annotations

from typing import Any

from ..client import Client
from ..edits import Replacements, workspace_edit
from ..snapshot import Snapshot


async def apply(client: Client, snapshot: Snapshot, replacements: Replacements) -> dict[str, Any]:
    """Ask the client to make the replacements in one edit; return whether it did, and the new words.

    Raises:
        JsonRpcException: the client cannot make edits, or refuses.
    """
    client.require_apply_edit()
    applied = not replacements or await client.apply_edit(workspace_edit(snapshot, replacements))
    return {"applied": applied, "words": [word for _, word in replacements]}
