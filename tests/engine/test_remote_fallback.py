"""The local model answers while the remote engine is unavailable."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from fillmask_ls.engine.api import (
    FillQuestion,
    ScoreQuestion,
)
from fillmask_ls.engine.fallback import FallbackEngine
from fillmask_ls.engine.http_client import Address
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.engine.remote import RemoteEngine
from shared_engine import TEA, SharedEngine


class ObservedFallback:
    """A fallback engine that records its callbacks.

    Attributes:
        changes: the problem at each reported change; None if there was none.
        needed: how often the local model was needed.
        changed: set at each reported change.
    """

    def __init__(
        self, server: SharedEngine | str, local: LocalEngine, *, falls_back: bool = True, timeout: float = 30
    ) -> None:
        self.changes: list[str | None] = []
        self.needed = 0
        self.changed = asyncio.Event()
        self.engine = FallbackEngine(local, need_local=self._need, changed=self._changed)
        url = server if isinstance(server, str) else server.url
        remote = RemoteEngine(Address(url), bypass_proxy=True, timeout=timeout)
        self.engine.use(remote, falls_back=falls_back)

    def _need(self) -> None:
        self.needed += 1

    def _changed(self) -> None:
        self.changed.set()
        self.changes.append(None if self.engine.problem is None else str(self.engine.problem))


@pytest.fixture(scope="module")
def local() -> Iterator[LocalEngine]:
    """A local engine with a loaded model, shared because loading takes seconds."""
    # The engine's event belongs to the loop of this call, which ends here. The event is set, so no test awaits it.
    engine = asyncio.run(_loaded())
    yield engine
    engine.close()


async def _loaded() -> LocalEngine:
    engine = LocalEngine()
    await engine.load("embedded", "cpu", "float32")
    return engine


@pytest.mark.parametrize("fault", ["500", "slow", "refuses", "another shape"])
async def test_local_model_answers_until_the_server_is_found_again(
    shared_engine: SharedEngine, local: LocalEngine, fault: str
) -> None:
    observed = ObservedFallback(shared_engine, local, timeout=2 if fault == "slow" else 30)
    engine = observed.engine
    try:
        assert (await engine.predict(TEA)).predictions[0].candidates
        assert (engine.is_remote, observed.needed) == (True, 0)
        shared_engine.fault = fault
        for top_k in (11, 12, 13):
            assert len((await engine.predict(replace(TEA, top_k=top_k))).predictions[0].candidates) == top_k
        assert not engine.is_remote
        assert observed.needed
        assert len([change for change in observed.changes if change]) == 1
        requests = len(shared_engine.questions)
        shared_engine.fault = ""
        shared_engine.released.set()
        while not engine.is_remote:
            observed.changed.clear()
            await observed.changed.wait()
        await engine.predict(replace(TEA, top_k=14))
        assert len(shared_engine.questions) == requests + 1
        assert observed.changes[-1] is None
    finally:
        engine.use(None)


async def test_local_model_answers_what_the_fill_mask_protocol_cannot(
    hub_endpoint: SharedEngine, local: LocalEngine
) -> None:
    observed = ObservedFallback(hub_endpoint, local)
    try:
        score = await observed.engine.answer(ScoreQuestion("It was a good day."))
        assert score.pseudo_log_likelihood < 0
        assert observed.engine.is_remote
        assert (await observed.engine.predict(TEA)).model == hub_endpoint.url.removeprefix("http://")
        assert observed.engine.model_for(ScoreQuestion) == "embedded"
        assert not observed.engine.starts_local_load(FillQuestion)
    finally:
        observed.engine.use(None)
