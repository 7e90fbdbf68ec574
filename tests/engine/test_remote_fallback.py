"""The local model answers while the engine on another machine can't."""

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


class Watched:
    """A fallback engine, and the changes that it reported."""

    def __init__(self, server: SharedEngine | str, local: LocalEngine, *, falls_back: bool = True) -> None:
        self.changes: list[str | None] = []
        self.needed = 0
        self.changed = asyncio.Event()
        self.engine = FallbackEngine(local, need_local=self._need, changed=self._changed)
        url = server if isinstance(server, str) else server.url
        remote = RemoteEngine(Address(url), bypass_proxy=True, timeout=0.5)
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
    ours: SharedEngine, local: LocalEngine, fault: str
) -> None:
    watched = Watched(ours, local)
    engine = watched.engine
    try:
        assert (await engine.predict(TEA)).predictions[0].candidates
        assert (engine.is_remote, watched.needed) == (True, 0)
        ours.fault = fault
        for top_k in (11, 12, 13):
            assert len((await engine.predict(replace(TEA, top_k=top_k))).predictions[0].candidates) == top_k
        assert not engine.is_remote
        assert watched.needed
        assert len([change for change in watched.changes if change]) == 1
        asked = len(ours.asked)
        ours.fault = ""
        ours.let_go.set()
        while not engine.is_remote:
            watched.changed.clear()
            await watched.changed.wait()
        await engine.predict(replace(TEA, top_k=14))
        assert len(ours.asked) == asked + 1
        assert watched.changes[-1] is None
    finally:
        engine.use(None)


async def test_local_model_answers_what_the_fill_mask_protocol_cannot(hubs: SharedEngine, local: LocalEngine) -> None:
    watched = Watched(hubs, local)
    try:
        score = await watched.engine.score(ScoreQuestion("It was a good day."))
        assert score.pseudo_log_likelihood < 0
        assert watched.engine.is_remote
        assert (await watched.engine.predict(TEA)).model == hubs.url.removeprefix("http://")
        assert watched.engine.model_for(ScoreQuestion) == "embedded"
        assert not watched.engine.starts_local_load(FillQuestion)
    finally:
        watched.engine.use(None)
