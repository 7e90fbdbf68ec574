"""TCP: listen, serve one client, end when it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable
from functools import partial

from fillmask_ls.lsp.protocol import Protocol

from .framing import read_message
from .message_loop import FLUSH_TIMEOUT, MAX_UNREAD_BYTES, run_message_loop

logger = logging.getLogger(__name__)


def print_address(address: str) -> None:
    """Print the address of a listening server, such as ``tcp://127.0.0.1:8765``, to standard error."""
    print(f"listening on {address}", file=sys.stderr, flush=True)


def url(scheme: str, address: tuple[str, int]) -> str:
    """Return the URL of a listening socket."""
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"{scheme}://{host}:{address[1]}"


async def serve_tcp(
    protocol: Protocol, host: str, port: int, *, on_listening: Callable[[str], None] = print_address
) -> int:
    """Listen, take one client, serve it until it leaves.

    The first connection that sends a message becomes the client. Web pages and port scanners send none, so they don't
    take the client's place.

    Args:
        on_listening: called with the address, which has the port that the system chose if ``port`` is 0.

    Returns:
        The exit code of the process.
    """
    exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await _first_message(reader)
        if first is None or protocol.writer is not None:
            writer.close()
            return
        listener.close()
        writer.transport.set_write_buffer_limits(MAX_UNREAD_BYTES)
        protocol.set_writer(writer)
        code = 1
        try:
            code = await run_message_loop(protocol, partial(read_message, reader), writer.drain, first=first)
            writer.transport.set_write_buffer_limits(0)  # now drain() waits until everything is sent
            with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
                await asyncio.wait_for(writer.drain(), FLUSH_TIMEOUT)
            writer.close()
        finally:
            exit_code.set_result(code)

    listener = await asyncio.start_server(connected, host, port)
    on_listening(url("tcp", listener.sockets[0].getsockname()))
    return await exit_code


async def _first_message(reader: asyncio.StreamReader) -> bytes | None:
    try:
        return await read_message(reader)
    except (ConnectionError, ValueError) as error:
        logger.error("refused a connection: %s", error)
        return None
