"""The model for a whole team: replicas of the local engine behind Ray Serve, on one machine or on a Ray cluster.

Needs the extra ``cluster``. Each replica is a process with the model in it. Ray gives it the questions that came at about
one time, and its engine puts those of like length into one forward.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .local import LocalEngine
from .query import Engine, Question
from .serving import Limits, Service

APP = "fillmask"

_BATCH = 32
_SECONDS_TO_GATHER = 0.0
"""A batch is what has come while the one before was computed; nobody waits for others to come."""
_BATCHES_AT_ONCE = 2
"""So that the next is read and tokenized while one is computed."""
_ONGOING = 512
"""Requests at a replica: more than it lets wait, so that it sends them away itself and says when to come again."""
_SECONDS_TO_DRAIN = 20.0


@dataclass(frozen=True, slots=True)
class Served:
    """What is served, and where.

    Attributes:
        model, device, dtype, runtime: as for :meth:`~fillmask_ls.engine.local.LocalEngine.load`.
        host, port: where requests come in.
        token: the :func:`~fillmask_ls.engine.serving.digest` of the clients'; None for none.
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


class _Asked:
    """A question in a batch, which whoever asked may give up at any time: Ray doesn't tell the batch."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def begin(self, engine: Engine) -> None:
        if not self.answer.cancelled():
            self.answer = asyncio.ensure_future(engine.answer(self.question))

    def give_up(self) -> None:
        self.answer.cancel()


class Replica:
    """One process with the model."""

    async def __init__(self, served: Served) -> None:  # type: ignore[misc]  # Ray awaits it
        from ray import serve

        self._engine = LocalEngine()
        name = await self._engine.load(served.model, served.device, served.dtype, served.runtime)
        answer: Callable[[_Asked], Any] = serve.batch(
            self._answered,
            max_batch_size=_BATCH,
            batch_wait_timeout_s=_SECONDS_TO_GATHER,
            max_concurrent_batches=_BATCHES_AT_ONCE,
        )

        async def answered(question: Question) -> Any:
            asked = _Asked(question)
            try:
                found = await answer(asked)
            except asyncio.CancelledError:
                asked.give_up()
                raise
            if isinstance(found, BaseException):
                raise found
            return found

        self._service = Service(answered, name, self._engine.count_tokens, token=served.token, limits=served.limits)

    async def __call__(self, request: Any) -> Any:
        """Answer a request of Starlette's."""
        from starlette.responses import Response

        reply = await self._service.respond(request.method, request.url.path, request.headers, await request.body())
        return Response(reply.content, reply.status, dict(reply.headers), "application/json")

    async def _answered(self, batch: list[_Asked]) -> list[Any]:
        """The answers, or what went wrong, to all of a batch: those of like length are computed together."""
        for asked in sorted(batch, key=lambda asked: len(asked.question.text)):
            asked.begin(self._engine)
        return await asyncio.gather(*(asked.answer for asked in batch), return_exceptions=True)


def start(served: Served) -> None:
    """Serve, in the background; returns when all replicas are ready.

    Raises:
        RuntimeError: they don't become ready.
    """
    # Nothing in a replica blocks its loop, so that it needs no other for our code. Ray reads it when it is imported.
    os.environ.setdefault("RAY_SERVE_THROUGHPUT_OPTIMIZED", "1")
    # What goes with it: a port of each replica's own, which nobody uses but HAProxy, with which Ray turns it on itself.
    os.environ.setdefault("RAY_SERVE_ENABLE_DIRECT_INGRESS", "0")
    import ray
    from ray import serve

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


def stop() -> None:
    """Take no more requests, answer those that are there, and end."""
    import ray
    from ray import serve

    serve.delete(APP)
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
