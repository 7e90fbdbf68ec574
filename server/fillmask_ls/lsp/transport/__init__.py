"""Transports: bytes to messages and back, over stdio, TCP and WebSocket. One client per process.

Each transport sets a writer on the :class:`~fillmask_ls.lsp.protocol.Protocol`, then runs the same message loop
(:mod:`.message_loop`). To serve a client in the same process, as tests do, pass two ends of pipes to
:func:`.stdio.serve_files`, or call the protocol without any transport.
"""

from fillmask_ls.lsp.protocol import Protocol

from .sockets import serve_tcp as serve_tcp
from .stdio import serve_stdio as serve_stdio


async def serve_websocket(protocol: Protocol, host: str, port: int) -> int:
    """As :func:`serve_tcp`, with one message per frame."""
    from .websocket import serve_websocket  # here, because the import takes a tenth of a second

    return await serve_websocket(protocol, host, port)
