"""``fillmask.selectModel``, ``fillmask.downloadModel`` and ``fillmask.status``: which model answers."""

from __future__ import annotations

from typing import Any

from ..client import request_failed
from ..session import Session
from .arguments import Arguments


async def select_model(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Use another model until the client changes its settings.

    Args:
        model: ``auto``, ``embedded``, a folder or a hub id.

    Returns:
        the status, as ``fillmask.status`` does, after the model is loaded or has failed to load.
    """
    _require_trust(session)
    return await session.models.select(arguments.text("model"))


async def download_model(session: Session, arguments: Arguments) -> dict[str, Any]:
    """Download a model from the Hugging Face hub with progress, and load it if the settings name it.

    Args:
        model: a hub id, such as ``google-bert/bert-base-uncased``.

    Returns:
        the status, as ``fillmask.status`` does.
    """
    _require_trust(session)
    return await session.models.download(arguments.text("model"))


async def status(session: Session, _arguments: Arguments) -> dict[str, Any]:
    """Report which model answers, and what the server is doing.

    Returns:
        ``{"state": "ready", "model": "embedded", "error": null, "notes": [], "version": …, "engine": "local",
        "host": null, "leavesMachine": false}``: ``state`` is ``starting``, ``loading``, ``ready`` or ``failed``; ``error``
        is the reason why the chosen model could not be loaded; ``notes`` says where the model differs from the
        settings, such as float32 because its architecture fails in bfloat16; ``engine`` is
        ``local`` or ``remote``; ``host`` is the shared engine's; ``leavesMachine`` says whether text may be sent over a
        network.
    """
    return session.models.status()


def _require_trust(session: Session) -> None:
    if not session.configuration.trusted:
        raise request_failed("In an untrusted workspace, no model can be chosen. Trust the workspace first.")
