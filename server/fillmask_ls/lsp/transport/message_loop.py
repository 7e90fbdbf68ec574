"""The loop that all transports share: read a message, handle it, stop reading while the client doesn't read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fillmask_ls.lsp.protocol import Protocol

logger = logging.getLogger(__name__)

MAX_UNREAD_BYTES = 1 << 24
"""Bytes that a client may leave unread before no more messages are read from it."""

FLUSH_TIMEOUT = 2.0
"""Seconds that a leaving client gets to read the rest of the output."""


async def run_message_loop(
    protocol: Protocol,
    read: Callable[[], Awaitable[bytes | None]],
    drain: Callable[[], Awaitable[None]],
    *,
    first: bytes | None = None,
) -> int:
    """Handle messages until the client leaves.

    Args:
        read: returns the body of the next message; None when the client has left.
        drain: waits while the client leaves more than :data:`MAX_UNREAD_BYTES` unread.
        first: the body of a message that was read already.

    Returns:
        The exit code of the process.
    """
    try:
        body = await read() if first is None else first
        while body is not None:
            protocol.receive(body)
            # A handler takes its snapshot of the document in its first step: before the next message changes it.
            await asyncio.sleep(0)
            if protocol.exit_code is not None:
                break
            await drain()
            body = await read()
        await protocol.wait_for_cancelled()
    except (ConnectionError, ValueError) as error:
        logger.error("the connection is lost: %s", error)
    if protocol.exit_code is not None:
        return protocol.exit_code
    return 0 if protocol.is_shut_down else 1


class UnreadBytes:
    """Counts the bytes that were sent and not read yet, so that a sender can wait for its client."""

    def __init__(self) -> None:
        self._count = 0
        self._released = False
        self._below_limit = asyncio.Event()
        self._below_limit.set()

    def add(self, count: int) -> None:
        """Count bytes that were sent; a negative number of bytes that were read."""
        self._count += count
        if self._released or self._count <= MAX_UNREAD_BYTES:
            self._below_limit.set()
        else:
            self._below_limit.clear()

    def release(self) -> None:
        """Let all senders continue from now on: the client is gone."""
        self._released = True
        self._below_limit.set()

    async def wait_below_limit(self) -> None:
        """Wait while more than :data:`MAX_UNREAD_BYTES` are unread."""
        await self._below_limit.wait()
