"""``fillmask.selectModel``, ``fillmask.downloadModel`` and ``fillmask.status``: which model answers."""

from __future__ import annotations

from typing import Any

from ..client import request_failed
from ..session import Session
from .arguments import Arguments


async def select_model(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Use ``model`` until the client changes its settings; return the status once it is loaded or has failed."""
    _require_trust(session)
    return await session.models.select(arguments.text("model"))


async def download_model(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Download ``model`` from the Hugging Face hub with progress, and load it if the settings name it."""
    _require_trust(session)
    return await session.models.download(arguments.text("model"))


async def status(session: Session, _arguments: Arguments) -> dict[str, Any]:
    """Return which model answers, and what the server is doing."""
    return session.models.status()


def _require_trust(session: Session) -> None:
    if not session.configuration.trusted:
        raise request_failed("In an untrusted workspace, no model can be chosen. Trust the workspace first.")
