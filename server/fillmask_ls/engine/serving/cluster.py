"""The shared engine on a Ray cluster: replicas of the local engine behind Ray Serve. The only module of the engine that imports Ray.

Needs the extra ``cluster``. It joins a running cluster and never starts one: Ray listens on a dozen ports, and anyone
who reaches them can run code unless the cluster checks tokens.

Each replica is a process with a model, whose scheduler batches waiting questions of similar length. Ray's
``@serve.batch`` would form a batch when its first question arrives, which then is alone in it.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .http_server import ServeOptions, load_app, make_engine
from .reply import Message

APP = "fillmask"

_ONGOING = 512
"""Requests at a replica: more than it accepts, so that it refuses some itself and says when to retry."""
_SECONDS_TO_DRAIN = 20.0
_SECONDS_TO_REACH = 5.0


class OpenClusterError(Exception):
    """The cluster's token authentication is off: anyone who reaches its ports can run code."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where and how a shared engine runs on a cluster.

    Attributes:
        options: the model, and which requests are accepted.
        address: the cluster's address, or ``auto`` for one on this machine or in the environment variable ``RAY_ADDRESS``.
        host, port: the address of Ray's proxies, which listen for requests.
        replicas: the minimum and maximum number of processes.
        cpus: processor cores per replica, and so its number of threads.
        gpus: GPUs per replica; by default one if the cluster has any.
    """

    options: ServeOptions
    address: str
    host: str = "127.0.0.1"
    port: int = 8000
    replicas: tuple[int, int] = (1, 1)
    cpus: int = 1
    gpus: float | None = None


class Replica:
    """One process with a model."""

    async def __init__(self, options: ServeOptions) -> None:  # type: ignore[misc]  # Ray awaits it
        self._app = await load_app(options, make_engine())

    async def __call__(self, request: Any) -> Any:
        """Answer a Starlette request."""
        from starlette.responses import Response

        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(request.scope, request.receive, send)
        start, *rest = sent
        response = Response(b"".join(message.get("body", b"") for message in rest), start["status"])
        response.raw_headers = list(start["headers"])
        return response


def check_reachable(address: str) -> None:
    """Check at once whether something listens at an address; Ray would try for a quarter of an hour.

    Raises:
        ConnectionError: nothing does.
    """
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "://" not in host:
        try:
            socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_REACH).close()
        except OSError as error:
            raise ConnectionError(str(error)) from error


def start(deployment: Deployment, *, allow_open: bool = False) -> None:
    """Start serving in the background; return when all replicas are ready.

    Raises:
        ConnectionError: there is no cluster to join.
        OpenClusterError: the cluster has no token authentication, and ``allow_open`` is false.
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

    check_reachable(deployment.address)
    ray.init(address=deployment.address, log_to_driver=False, logging_level="warning")
    if not allow_open and _is_open(ray.get_runtime_context().gcs_address):
        ray.shutdown()
        raise OpenClusterError
    low, high = deployment.replicas
    gpus = deployment.gpus if deployment.gpus is not None else float(ray.cluster_resources().get("GPU", 0) > 0)
    quiet = {"enable_access_log": False}
    serve.start(http_options={"host": deployment.host, "port": deployment.port}, logging_config=quiet)
    autoscaling = {
        "min_replicas": low,
        "max_replicas": high,
        "target_ongoing_requests": 4,
        "upscale_delay_s": 5,
        "downscale_delay_s": 120,
    }
    engine = serve.deployment(
        Replica,
        name="engine",
        ray_actor_options={"num_cpus": deployment.cpus, "num_gpus": gpus},
        max_ongoing_requests=_ONGOING,
        graceful_shutdown_timeout_s=_SECONDS_TO_DRAIN,
        health_check_period_s=2,
        health_check_timeout_s=10,
        logging_config=quiet,
        **({"num_replicas": low} if low == high else {"autoscaling_config": autoscaling}),
    )
    serve.run(engine.bind(deployment.options), name=APP)


def _is_open(address: str) -> bool:
    """Return whether a cluster's head answers a call without a token."""
    import grpc

    with grpc.insecure_channel(address) as channel:
        try:
            channel.unary_unary("/ray.rpc.NodeInfoGcsService/GetAllNodeInfo")(b"", timeout=_SECONDS_TO_REACH)
        except grpc.RpcError as error:
            return bool(error.code() is not grpc.StatusCode.UNAUTHENTICATED)
    return True


def stop() -> None:
    """Stop accepting requests, answer the pending ones and end; other applications of the cluster go on."""
    import ray
    from ray import serve

    serve.delete(APP)
    if not serve.status().applications:
        serve.shutdown()
    ray.shutdown()


def serve_until_signal(deployment: Deployment, ready: Callable[[], None], *, allow_open: bool = False) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        ready: called once requests are answered.
        allow_open: as for :func:`start`, which also lists the errors.
    """
    signals: list[int] = []
    start(deployment, allow_open=allow_open)
    for number in (signal.SIGTERM, signal.SIGINT):  # Ray's own handlers end the process at once
        signal.signal(number, lambda number, _frame: signals.append(number))
    ready()
    while not signals:
        time.sleep(0.2)
    stop()
