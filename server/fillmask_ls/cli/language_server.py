"""``fillmask-ls`` without a command: run the language server of one editor."""

from __future__ import annotations

import argparse
import os
import sys

from .arguments import address
from .errors import CommandError, ExitCode, print_error

_SPIN_COUNT = "5000"
"""How long torch's threads keep a core while they wait for each other: by default, milliseconds."""


def add_options(parser: argparse.ArgumentParser) -> None:
    transport = parser.add_mutually_exclusive_group()
    transport.add_argument("--stdio", action="store_true", help="serve over standard input and output (the default)")
    transport.add_argument("--tcp", metavar="[HOST:]PORT", type=address, help="serve one client over TCP")
    transport.add_argument("--ws", metavar="[HOST:]PORT", type=address, help="serve one client over WebSocket")
    parser.add_argument(
        "--log",
        choices=("error", "warning", "info", "debug", "messages"),
        default="warning",
        help="level of the log on standard error; only messages logs the text of your documents (default: warning)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve one client, then end the process.

    Raises:
        CommandError: standard input or output is needed and closed.
    """
    uses_stdio = not (options.tcp or options.ws)
    if uses_stdio and (sys.stdin is None or sys.stdout is None):
        raise CommandError("can't serve: standard input or output is closed", ExitCode.USAGE)
    import asyncio
    import logging

    from fillmask_ls.engine import malloc
    from fillmask_ls.lsp import log, transport
    from fillmask_ls.lsp.server import FillmaskServer

    malloc.configure()
    # Before torch is imported: on Linux, its threads spin so many times before they sleep.
    os.environ.setdefault("GOMP_SPINCOUNT", _SPIN_COUNT)
    standard_error = log.start("debug" if options.log == "messages" else options.log)

    async def serve() -> int:
        asyncio.get_running_loop().set_exception_handler(log.handle_loop_exception)
        server = FillmaskServer(watch_parent=uses_stdio)
        server.protocol.logs_messages = options.log == "messages"
        try:
            if options.tcp:
                return await transport.serve_tcp(server.protocol, *options.tcp)
            if options.ws:
                return await transport.serve_websocket(server.protocol, *options.ws)
        except OSError as error:
            print_error(f"can't listen: {error.strerror or error}")
            return ExitCode.USAGE
        return await transport.serve_stdio(server.protocol)

    code = 1
    try:
        code = asyncio.run(serve())
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except Exception:
        logging.exception("the server failed")
    standard_error.close()
    # Not sys.exit: another thread may be importing torch, and nothing has to be cleaned up.
    os._exit(code)
