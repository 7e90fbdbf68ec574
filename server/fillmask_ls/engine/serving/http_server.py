"""The shared engine on one machine: the local engine behind HTTP, in one process with one listening socket.

Needs the extra ``serve``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .. import malloc
from ..local import LocalEngine
from .connections import ConnectionLimits, Connections
from .front_door import FrontDoor, Policy
from .reply import App
from .service import Limits, Service

_CACHED_MASKS = 256
"""Masks of all clients whose distributions are cached: 31 MB with BERT's vocabulary."""
_MAX_HEAD = 1 << 15
"""Bytes of a request's headers that may arrive before they are complete."""
_SECONDS_IDLE = 75
"""Seconds after a response before an idle connection is closed."""
SECONDS_TO_DRAIN = 20
"""Seconds in which pending requests are answered after SIGTERM."""
_BACKLOG = 1024
_SWITCH_INTERVAL = 0.0005
"""Seconds that the model's thread may keep the interpreter from the event loop; Python's default is 0.005."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Options of the shared engine.

    Attributes:
        model, device, dtype, runtime: as for :meth:`~fillmask_ls.engine.local.LocalEngine.load`.
        cpus: processor cores for the model; by default all.
        policy: which requests are accepted.
        limits: maximum sizes of a question.
        worker: the number of this process among several that share a socket; 0 if it is alone.
    """

    model: str = "auto"
    device: str = "auto"
    dtype: str = "auto"
    runtime: str = "torch"
    cpus: int | None = None
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)
    worker: int = 0


async def load_app(options: ServeOptions, engine: LocalEngine) -> App:
    """Load the model and return the application that answers with it.

    Raises:
        EngineError: the model can't be loaded.
    """
    name = await engine.load(options.model, options.device, options.dtype, options.runtime)
    service = Service(engine.answer, name, engine.count_tokens, limits=options.limits, worker=options.worker)
    return FrontDoor(service, options.policy)


def make_engine() -> LocalEngine:
    """Return an engine for many clients, in a process of its own."""
    malloc.configure()
    return LocalEngine(fair=True, owns_process=True, cached_masks=_CACHED_MASKS)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket at an address; nobody can connect yet.

    Raises:
        OSError: the address is in use or not this machine's.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound


async def serve(
    app: App,
    bound: socket.socket,
    stopped: asyncio.Event,
    ready: Callable[[], None],
    limits: ConnectionLimits | None = None,
) -> None:
    """Serve an application at a socket until ``stopped`` is set; then answer the pending requests.

    Args:
        ready: called once clients can connect.
        limits: of the connections.
    """
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Server(uvicorn.Server):  # type: ignore[misc]
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # uvicorn raises signals again when it ends, which would kill the process

        async def startup(self, *args: Any, **kwargs: Any) -> None:
            await super().startup(*args, **kwargs)
            bound.listen(_BACKLOG)
            ready()

    config = uvicorn.Config(
        app,
        http=Connections(limits or ConnectionLimits()).protocol(H11Protocol),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        backlog=1,  # asyncio accepts as many at a time, and other processes may be less busy
        timeout_keep_alive=_SECONDS_IDLE,
        timeout_graceful_shutdown=SECONDS_TO_DRAIN,
        h11_max_incomplete_event_size=_MAX_HEAD,
    )
    server = Server(config)

    async def stop() -> None:
        await stopped.wait()
        server.should_exit = True

    stopping = asyncio.ensure_future(stop())
    try:
        await server.serve(sockets=[bound])
    finally:
        stopping.cancel()


def serve_until_signal(options: ServeOptions, bound: socket.socket, ready: Callable[[], None]) -> None:
    """Load the model and serve until SIGTERM or Ctrl-C.

    Args:
        ready: called once requests are answered.

    Raises:
        EngineError: the model can't be loaded.
    """
    _raise_open_file_limit(ConnectionLimits().total)
    _share_cores(options.cpus)
    asyncio.run(_serve_until_signal(options, bound, ready))


async def _serve_until_signal(options: ServeOptions, bound: socket.socket, ready: Callable[[], None]) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def stop(*_: object) -> None:
        loop.call_soon_threadsafe(stopped.set)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    engine = make_engine()
    try:
        loading = asyncio.ensure_future(load_app(options, engine))
        stopping = asyncio.ensure_future(stopped.wait())
        await asyncio.wait((loading, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if loading.done():
            await serve(loading.result(), bound, stopped, ready)
        loading.cancel()
    finally:
        bound.close()
        engine.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _share_cores(cpus: int | None) -> None:
    """Let torch's threads and the event loop share the cores; call it before torch is imported.

    By default OpenMP's threads spin while they wait. When the event loop takes the core of one, the others spin until
    it returns, and a forward pass takes six times as long.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.setswitchinterval(_SWITCH_INTERVAL)
    if cpus is not None:
        os.environ["OMP_NUM_THREADS"] = str(cpus)


def _raise_open_file_limit(number: int) -> None:
    """Raise the limit of open files where it is too low for the connections."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = number + 200
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard > 0 else wanted, hard))
