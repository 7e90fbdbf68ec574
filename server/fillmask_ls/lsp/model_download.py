"""Download a model while the client shows progress, and offer to do so."""

from __future__ import annotations

import asyncio

from fillmask_ls.engine import download

from .client import Client, request_failed
from .progress import progress_bar
from .reader import Reader


async def download_with_progress(client: Client, model: str) -> None:
    """Download ``model`` into the hub's cache, with a progress bar that can cancel it.

    Raises:
        EngineError: the download failed.
        JsonRpcException: with the code ``RequestFailed``; the user cancelled it.
    """
    title, kept = "Downloading the language model", "the files that arrived are kept"
    async with progress_bar(client, title, model, cancel=lambda: task.cancel()) as bar:
        bar.outcome = f"failed; {kept}"
        task = asyncio.ensure_future(
            download.download(model, lambda done, total: bar.report(done, total, f"{done >> 20} of {total >> 20} MB"))
        )
        try:
            await task
        except asyncio.CancelledError:
            bar.outcome = f"cancelled; {kept}"
            if bar.is_cancelled:
                raise request_failed(bar.outcome) from None
            raise
        bar.outcome = "done"


async def offer_download(client: Client, reader: Reader) -> bool:
    """Offer the recommended model, once for each user, in a client that shows buttons; return whether the user accepts.

    Raises:
        JsonRpcException: the client refuses.
    """
    if not client.capabilities.message_actions or not await reader.run(download.claim_offer):
        return False
    message = (
        f"fillmask: The small built-in model suggests words. {download.RECOMMENDED_MODEL} (440 MB) knows more: download it once from "
        "the Hugging Face hub?"
    )
    return await client.ask(message, ["Download", "No"]) == "Download"
