"""The shared engine of a team: replicas of the local engine behind Ray Serve, on one machine or a Ray cluster.

Needs the extra ``cluster``. Each replica is a process with a model, whose scheduler batches waiting questions of similar
length. Ray's ``@serve.batch`` would form a batch when its first question arrives, which then is alone in it.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import malloc
from .local import LocalEngine
from .service import Limits, Service

APP = "fillmask"

_ONGOING = 512
"""Requests at a replica: more than it accepts, so that it refuses some itself and says when to retry."""
_SECONDS_TO_DRAIN = 20.0
_SECONDS_TO_REACH = 5.0


@dataclass(frozen=True, slots=True)
class Served:
    """Options of the shared engine.

    Attributes:
        model, device, dtype, runtime: as for :meth:`~fillmask_ls.engine.local.LocalEngine.load`.
        host, port: the address to listen at.
        token: the :func:`~fillmask_ls.engine.service.digest` of the clients' token; None for none.
        replicas: the minimum and maximum number of processes.
        cpus: processor cores per replica, and so its number of threads.
        gpus: GPUs per replica; by default one if the cluster has any.
        address: the Ray cluster to join; by default one is started on this machine.
        limits: maximum sizes of a request.
    """

    model: str = "auto"
    device: str = "auto"
    dtype: str = "auto"
    runtime: str = "torch"
    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    replicas: tuple[int, int] = (1, 1)
    cpus: int = 1
    gpus: float | None = None
    address: str | None = None
    limits: Limits = field(default_factory=Limits)


class Replica:
    """One process with a model."""

    async def __init__(self, served: Served) -> None:  # type: ignore[misc]  # Ray awaits it
        malloc.configure()
        self._engine = LocalEngine(fifo=True, long_lived=True)
        name = await self._engine.load(served.model, served.device, served.dtype, served.runtime)
        self._service = Service(
            self._engine.answer, name, self._engine.count_tokens, token=served.token, limits=served.limits
        )

    async def __call__(self, request: Any) -> Any:
        """Answer a Starlette request."""
        from starlette.requests import ClientDisconnect
        from starlette.responses import Response

        try:
            body = await request.body()
        except ClientDisconnect:  # otherwise Ray logs a traceback for each, under load
            return Response(status_code=499)
        reply = await self._service.respond(request.method, request.url.path, request.headers, body)
        return Response(reply.content, reply.status, dict(reply.headers), "application/json")


def start(served: Served) -> None:
    """Start serving in the background; return when all replicas are ready.

    Raises:
        ConnectionError: there is no cluster to join.
        RuntimeError: the replicas don't become ready.
    """
    # Nothing in a replica blocks its event loop, so our code needs no second one. Ray reads these when it is imported.
    os.environ.setdefault("RAY_SERVE_THROUGHPUT_OPTIMIZED", "1")
    # That option would open a port per replica, which only HAProxy uses.
    os.environ.setdefault("RAY_SERVE_ENABLE_DIRECT_INGRESS", "0")
    # gRPC between proxy and replica takes a tenth less work of both than Ray's own calls.
    os.environ.setdefault("RAY_SERVE_PROXY_USE_GRPC", "1")
    import ray
    from ray import serve

    _reach(served.address)
    ray.init(
        address=served.address,
        include_dashboard=False if served.address is None else None,
        log_to_driver=False,
        logging_level="warning",
    )
    low, high = served.replicas
    gpus = served.gpus if served.gpus is not None else float(ray.cluster_resources().get("GPU", 0) > 0)
    quiet = {"enable_access_log": False}
    serve.start(http_options={"host": served.host, "port": served.port}, logging_config=quiet)
    deployment = serve.deployment(
        Replica,
        name="engine",
        ray_actor_options={"num_cpus": served.cpus, "num_gpus": gpus},
        max_ongoing_requests=_ONGOING,
        graceful_shutdown_timeout_s=_SECONDS_TO_DRAIN,
        health_check_period_s=2,
        health_check_timeout_s=10,
        logging_config=quiet,
        **(
            {"num_replicas": low}
            if low == high
            else {
                "autoscaling_config": {
                    "min_replicas": low,
                    "max_replicas": high,
                    "target_ongoing_requests": 4,
                    "upscale_delay_s": 5,
                    "downscale_delay_s": 120,
                }
            }
        ),
    )
    serve.run(deployment.bind(served), name=APP)


def _reach(address: str | None) -> None:
    """Check at once whether something listens at an address; Ray would try for a quarter of an hour.

    Raises:
        ConnectionError: nothing does.
    """
    host, _, port = (address or "").rpartition(":")
    if host and port.isdigit() and "://" not in host:
        try:
            socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_REACH).close()
        except OSError as error:
            raise ConnectionError(str(error)) from error


def stop() -> None:
    """Stop accepting requests, answer the pending ones and end; other applications of the cluster go on."""
    import ray
    from ray import serve

    serve.delete(APP)
    if not serve.status().applications:
        serve.shutdown()
    ray.shutdown()


def serve_until_told(served: Served, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        ready: called once requests are answered.
    """
    signals: list[int] = []
    start(served)
    for number in (signal.SIGTERM, signal.SIGINT):  # Ray's own handlers end the process at once
        signal.signal(number, lambda number, _frame: signals.append(number))
    ready()
    while not signals:
        time.sleep(0.2)
    stop()
