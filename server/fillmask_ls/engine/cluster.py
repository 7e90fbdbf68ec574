"""The model for a whole team: replicas of the local engine behind Ray Serve, on one machine or on a Ray cluster.

Needs the extra ``cluster``. Each replica is a process with the model in it, whose engine puts the questions of like length
that wait into one forward. Ray's own ``@serve.batch`` would make the batch before its turn has come: of what is there when
the first question comes, which is that question.
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
"""Requests at a replica: more than it lets wait, so that it sends them away itself and says when to come again."""
_SECONDS_TO_DRAIN = 20.0
_SECONDS_TO_REACH = 5.0


@dataclass(frozen=True, slots=True)
class Served:
    """What is served, and where.

    Attributes:
        model, device, dtype, runtime: as for :meth:`~fillmask_ls.engine.local.LocalEngine.load`.
        host, port: where requests come in.
        token: the :func:`~fillmask_ls.engine.service.digest` of the clients'; None for none.
        replicas: how many processes, at least and at most.
        cpus: of each, and so the threads that it computes with.
        gpus: of each; by default one where the cluster has some.
        address: of a Ray cluster to join; by default one is started on this machine.
        limits: of a request.
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
    """One process with the model."""

    async def __init__(self, served: Served) -> None:  # type: ignore[misc]  # Ray awaits it
        malloc.configure()
        self._engine = LocalEngine(fifo=True, long_lived=True)
        name = await self._engine.load(served.model, served.device, served.dtype, served.runtime)
        self._service = Service(
            self._engine.answer, name, self._engine.count_tokens, token=served.token, limits=served.limits
        )

    async def __call__(self, request: Any) -> Any:
        """Answer a request of Starlette's."""
        from starlette.requests import ClientDisconnect
        from starlette.responses import Response

        try:
            body = await request.body()
        except ClientDisconnect:  # else Ray logs each as a failure, with a traceback, just when there is much to do
            return Response(status_code=499)
        reply = await self._service.respond(request.method, request.url.path, request.headers, body)
        return Response(reply.content, reply.status, dict(reply.headers), "application/json")


def start(served: Served) -> None:
    """Serve, in the background; returns when all replicas are ready.

    Raises:
        ConnectionError: there is no cluster to join.
        RuntimeError: they don't become ready.
    """
    # Nothing in a replica blocks its loop, so that it needs no other for our code. Ray reads it when it is imported.
    os.environ.setdefault("RAY_SERVE_THROUGHPUT_OPTIMIZED", "1")
    # What goes with it: a port of each replica's own, which nobody uses but HAProxy, with which Ray turns it on itself.
    os.environ.setdefault("RAY_SERVE_ENABLE_DIRECT_INGRESS", "0")
    # From the proxy to a replica by the port that each has for it: a tenth less work for both than by Ray's own calls.
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
    """Find out at once whether there is someone at an address, which Ray tries for a quarter of an hour.

    Raises:
        ConnectionError: there isn't.
    """
    host, _, port = (address or "").rpartition(":")
    if host and port.isdigit() and "://" not in host:
        try:
            socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_REACH).close()
        except OSError as error:
            raise ConnectionError(str(error)) from error


def stop() -> None:
    """Take no more requests, answer those that are there, and end; what else a cluster serves goes on."""
    import ray
    from ray import serve

    serve.delete(APP)
    if not serve.status().applications:
        serve.shutdown()
    ray.shutdown()


def serve_until_told(served: Served, ready: Callable[[], None]) -> None:
    """Serve until the process is told to end, by SIGTERM or Ctrl-C.

    Args:
        ready: called when requests are answered.
    """
    told: list[int] = []
    start(served)
    for number in (signal.SIGTERM, signal.SIGINT):  # Ray has handlers of its own, which end the process at once
        signal.signal(number, lambda number, _frame: told.append(number))
    ready()
    while not told:
        time.sleep(0.2)
    stop()
