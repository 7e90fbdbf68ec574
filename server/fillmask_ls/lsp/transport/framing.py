"""The base protocol: ``Content-Length`` headers around each message."""

from __future__ import annotations

import asyncio
import re

MAX_MESSAGE_BYTES = 1 << 28

# Anywhere in the line: after a body of the wrong length, the next header begins in the middle of a line.
_LENGTH = re.compile(rb"content-length:[ \t]*(\d+)[ \t]*\r?\n$", re.IGNORECASE)

_HTTP_REQUEST = re.compile(rb"^[A-Z]+ [^ ]* HTTP/[0-9.]+\r?\n$")
"""The first line of what any web page can make a browser send to a local port, followed by a body of its choice."""


async def read_message(reader: asyncio.StreamReader) -> bytes | None:
    """Return the body of the next message; None at the end of the stream.

    Raises:
        ValueError: a header line never ends, the message is too large, or the stream is HTTP.
    """
    length = None
    while True:
        header = await reader.readline()
        if not header:
            return None
        if _HTTP_REQUEST.search(header):
            raise ValueError("this is not an HTTP server; a page in a browser may have sent a request")
        match = _LENGTH.search(header)
        if match:
            length = int(match[1])
        elif not header.strip() and length is not None:
            break
    if length > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message of {length} bytes is too large")
    try:
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        return None
