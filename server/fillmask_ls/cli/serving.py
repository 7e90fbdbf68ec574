"""The commands that serve: one person's editor, or a whole team's language servers."""

from __future__ import annotations

import argparse
import os
import sys

from .outcome import NO_MODEL, OK, USAGE, CommandError


def serve(options: argparse.Namespace) -> int:
    """Be the language server of one editor; ends the process."""
    import asyncio
    import logging

    from fillmask_ls.lsp import log, transport
    from fillmask_ls.lsp.server import FillmaskServer

    standard_error = log.start("debug" if options.log == "messages" else options.log)

    async def serve() -> int:
        asyncio.get_running_loop().set_exception_handler(log.handle_loop_exception)
        server = FillmaskServer(watch_parent=not (options.tcp or options.ws))
        server.protocol.logs_messages = options.log == "messages"
        try:
            if options.tcp:
                return await transport.serve_tcp(server.protocol, *options.tcp)
            if options.ws:
                return await transport.serve_websocket(server.protocol, *options.ws)
        except OSError as error:
            print(f"fillmask-ls: can't listen: {error.strerror or error}", file=sys.stderr)
            return USAGE
        return await transport.serve_stdio(server.protocol)

    code = 1
    try:
        code = asyncio.run(serve())
    except KeyboardInterrupt:
        code = 130
    except Exception:
        logging.exception("the server failed")
    standard_error.close()
    # Not sys.exit: a thread may be in the middle of importing torch, and nothing here needs to be put in order.
    os._exit(code)


def serve_team(options: argparse.Namespace) -> int:
    """Be the shared engine of many, until told to end."""
    from importlib.util import find_spec

    from fillmask_ls.engine.http_client import usable_token
    from fillmask_ls.engine.service import digest
    from fillmask_ls.settings import is_loopback

    host, port = options.listen
    token = os.environ.get("FILLMASK_TOKEN")
    if token is not None and usable_token(token) is None:
        raise CommandError("FILLMASK_TOKEN must be a text of visible characters", USAGE)
    if token is None and not is_loopback(host):
        raise CommandError(
            f"{host} can be reached from other machines: set FILLMASK_TOKEN to a secret that clients must have", USAGE
        )
    if find_spec("ray") is None:
        raise CommandError("serve needs an extra: pip install 'fillmask-ls[cluster]'", USAGE)
    from fillmask_ls.mlm.checkpoint import CheckpointError, resolve

    try:
        resolve(options.model)
    except CheckpointError as error:
        raise CommandError(str(error), NO_MODEL) from error
    from fillmask_ls.engine.cluster import Served, serve_until_told

    served = Served(
        model=options.model,
        device=options.device,
        dtype=options.dtype,
        host=host,
        port=port,
        token=token and digest(token.strip()),
        replicas=options.replicas,
        cpus=options.cpus,
        gpus=0 if options.device == "cpu" else None,
        address=options.address,
    )
    shown = f"[{host}]" if ":" in host else host
    try:
        serve_until_told(served, lambda: print(f"serving at http://{shown}:{port}", flush=True))
    except ConnectionError as error:
        raise CommandError(
            f"no Ray cluster at {options.address} lets this machine join: is its address right, does it run, and is its "
            "token known here (RAY_AUTH_MODE=token)?",
            USAGE,
        ) from error
    return OK
