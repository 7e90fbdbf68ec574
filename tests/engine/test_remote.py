"""The remote engine: the same answers as locally, and errors when the server misbehaves."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from fillmask_ls import MASK, mlm
from fillmask_ls.engine.api import (
    EngineError,
    FillQuestion,
    InspectQuestion,
    LossQuestion,
    Priority,
    Question,
    RankTargetsQuestion,
    SampleMaskQuestion,
    ScoreQuestion,
    SubstitutesQuestion,
    SurprisalQuestion,
)
from fillmask_ls.engine.http_client import Address, RefusedError, UnavailableError, token_for
from fillmask_ls.engine.remote import RemoteEngine
from shared_engine import TEA, SharedEngine, answer, predict_question, running, wait_until

SECRET = "s3cret-t0ken"


@pytest.fixture(params=["shared_engine", "hub_endpoint"])
def server(request: pytest.FixtureRequest) -> SharedEngine:
    """Each of two servers: one that speaks our own protocol, and one that speaks the hub's."""
    fixture = request.getfixturevalue(request.param)
    assert isinstance(fixture, SharedEngine)
    return fixture


@asynccontextmanager
async def connected(server: SharedEngine | str, token: str | None = None, **how: Any) -> AsyncIterator[RemoteEngine]:
    url = server if isinstance(server, str) else server.url
    engine = RemoteEngine(Address(url, token), **{"bypass_proxy": True, "timeout": 5, **how})
    try:
        yield engine
    finally:
        await engine.close()


QUESTIONS: list[Question] = [
    replace(TEA, max_subwords=4),
    predict_question(f"The {MASK} sat on the {MASK}", focus=1, max_subwords=2),
    replace(TEA, prefix="t"),
    FillQuestion(f"A {MASK} of {MASK}.", ((2, 8), (12, 18)), 3),
    FillQuestion(f"A {MASK} of {MASK}.", ((2, 8), (12, 18)), 3, (1, 2)),
    LossQuestion(f"A {MASK} of tea.", ((2, 8),), ("cup",)),
    SubstitutesQuestion("It was a good day.", (9, 13), 3),
    RankTargetsQuestion("A cup of [MASK].", ((9, 15),), ("coffee", "a zebra")),
    SurprisalQuestion("It was a good day.", 2, ((0, 18),)),
    ScoreQuestion("It was a good day."),
    ScoreQuestion("It was a good day.", "original", ((9, 13),)),
    SampleMaskQuestion("It was a good day for all of us.", 0.3, 7, True),
    InspectQuestion("It was a good day.", 0.3, 7),
]


def numbers(value: Any) -> Iterator[float]:
    """Yield all numbers in an answer, in order."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from numbers(each)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from numbers(getattr(value, name))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: type(question).__name__)
async def test_remote_answers_equal_local_ones(
    shared_engine: SharedEngine, model: mlm.MaskedLM, question: Question
) -> None:
    async with connected(shared_engine) as engine:
        actual = await engine.answer(question)
    expected = answer(model, question)
    assert list(numbers(actual)) == pytest.approx(list(numbers(expected)), abs=1e-4)
    assert actual == expected  # numbers are sent in full precision
    assert engine.model_name == "embedded"


async def test_fill_mask_protocol_gives_the_same_candidates(
    pipeline_of: Callable[[str], Any], model_of: Callable[[str], mlm.MaskedLM]
) -> None:
    question = predict_question(f"the cat sat on the {MASK}. a dog (not {MASK}) ran past.", top_k=3)
    expected = answer(model_of("roberta"), question)
    with running(SharedEngine(pipeline=pipeline_of("roberta"))) as server:
        async with connected(server) as engine:
            actual = await engine.predict(question)
            # Before the first question, the engine finds out the mask token.
            assert [body["inputs"] for body in server.questions[:2]] == ["A [MASK].", "A <mask>."]
            assert MASK not in server.questions[2]["inputs"]
            with pytest.raises(RefusedError, match="hub's protocol only"):
                await engine.answer(ScoreQuestion("a text"))
    for local, remote in zip(expected.predictions, actual.predictions, strict=True):
        assert remote.span == local.span
        assert remote.entropy is None
        assert [word.text for word in remote.candidates[:1]] == [word.text for word in local.candidates[:1]]
        assert [word.probability for word in remote.candidates[:1]] == pytest.approx(
            [word.probability for word in local.candidates[:1]], abs=1e-4
        )


async def test_candidates_of_the_fill_mask_protocol_have_the_right_case_and_prefix(
    hub_endpoint: SharedEngine, model: mlm.MaskedLM
) -> None:
    async with connected(hub_endpoint) as engine:
        [first] = (await engine.predict(predict_question(f"{MASK} is the capital of France."))).predictions
        assert first.candidates
        assert all(word.text[:1].isupper() for word in first.candidates)
        [begun] = (await engine.predict(replace(TEA, prefix="T"))).predictions
        assert begun.candidates
        assert all(word.text.startswith("T") for word in begun.candidates)
        open_end = predict_question(f"The capital of France is {MASK}", top_k=3)
        [last] = (await engine.predict(open_end)).predictions  # the model's own first token is a full stop
        assert {word.text for word in last.candidates} & {
            word.text for word in answer(model, open_end).predictions[0].candidates
        }
        strange = predict_question(f"<mask> and \ud800 and {MASK} day.")
        assert len((await engine.predict(strange)).predictions) == 1


FAULTS = {
    "refuses": "requires a token",
    "404": "404",
    "full": "is overloaded",
    "500": "failed \\(500\\)",
    "503": "not ready",
    "slow": "did not answer in 2 s",
    "breaks off": "was interrupted",
    "no JSON": "unexpected form",
    "another shape": "unexpected form",
    "redirects": "Redirects are not followed",
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_misbehaving_server_is_reported_and_used_again_later(server: SharedEngine, fault: str) -> None:
    # Long enough for the last question's model on a busy machine.
    async with connected(server, timeout=2.0 if fault == "slow" else 30.0) as engine:
        await engine.connect()
        server.fault, server.redirect_target = fault, "http://localhost:1"
        with pytest.raises(UnavailableError, match=FAULTS[fault]) as raised:
            await engine.predict(TEA)
        assert TEA.text not in str(raised.value)
        server.fault = ""
        server.released.set()
        assert (await engine.predict(TEA)).predictions[0].candidates


async def test_refused_question_does_not_make_the_server_unavailable(server: SharedEngine) -> None:
    async with connected(server) as engine:
        await engine.connect()
        server.fault = "413"
        with pytest.raises(RefusedError, match="413"):
            await engine.predict(TEA)


async def test_unreachable_servers_are_reported_with_the_reason() -> None:
    async with connected("http://127.0.0.1:1") as engine:
        with pytest.raises(UnavailableError, match="refuses connections"):
            await engine.predict(TEA)
    async with connected("https://no-such-host.invalid") as engine:
        with pytest.raises(UnavailableError, match="not found"):
            await engine.connect()


async def test_token_is_sent_to_the_named_host_only(server: SharedEngine, model: mlm.MaskedLM) -> None:
    with running(SharedEngine(model)) as elsewhere:
        async with connected(server, SECRET) as engine:
            await engine.predict(TEA)
            assert {token for _, token, _ in server.requests} == {f"Bearer {SECRET}"}
            server.fault, server.redirect_target = "redirects", elsewhere.url.replace("127.0.0.1", "localhost")
            with pytest.raises(UnavailableError, match="redirects to localhost"):
                await engine.predict(replace(TEA, top_k=20))
        assert elsewhere.requests == []


async def test_token_is_never_logged_or_shown(server: SharedEngine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with connected(server, SECRET) as engine:
        await engine.connect()
        for fault in ("refuses", "500", "413"):
            server.fault = fault
            with pytest.raises(EngineError) as raised:
                await engine.predict(TEA)
            assert SECRET not in repr(raised.value)
        assert SECRET not in repr(engine.address)
    assert SECRET not in caplog.text


async def test_users_hub_token_is_sent_to_the_hub_only(server: SharedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    assert token_for(server.url, None) is None
    assert token_for("https://huggingface.co.evil.org", None) is None
    assert token_for("https://x.eu.endpoints.huggingface.cloud", None) == "hf_mine"
    async with connected(server, token_for(server.url, None)) as engine:
        await engine.predict(TEA)  # by the hub's client, which by default sends the user's token
    assert {token for _, token, _ in server.requests} == {None}


def lead_requests_to(server: SharedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send all requests of huggingface_hub's HTTP library to a server on this machine, whatever their host."""
    from huggingface_hub import get_async_session

    library: Any = sys.modules[type(get_async_session()).__module__]
    here = urlsplit(server.url)

    def lead(transport: Any, name: str) -> None:
        handle = getattr(transport, name)

        def handle_here(self: Any, request: Any) -> Any:
            request.url = request.url.copy_with(scheme=here.scheme, host=here.hostname, port=here.port)
            return handle(self, request)

        monkeypatch.setattr(transport, name, handle_here)

    lead(library.HTTPTransport, "handle_request")
    lead(library.AsyncHTTPTransport, "handle_async_request")


async def test_provider_receives_the_users_hub_token(
    hub_endpoint: SharedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import HfApi, ModelInfo, close_session

    name = "google-bert/bert-base-uncased"
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    with pytest.raises(UnavailableError, match="HF_HUB_OFFLINE is set"):
        await RemoteEngine(Address("https://router.huggingface.co"), provider="hf-inference", model=name).connect()
    with pytest.raises(UnavailableError, match="Provider 'nobody' not supported"):
        await RemoteEngine(Address("https://router.huggingface.co"), provider="nobody", model=name).connect()
    lead_requests_to(hub_endpoint, monkeypatch)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(HfApi, "model_info", lambda self, model: ModelInfo(id=model, pipeline_tag="fill-mask"))
    engine = RemoteEngine(
        Address("https://router.huggingface.co", token_for("", None)), provider="hf-inference", model=name
    )
    ranking = await engine.predict(TEA)
    assert ranking.model == name
    assert "tea" in [word.text for word in ranking.predictions[0].candidates]
    assert {(path, token) for path, token, _ in hub_endpoint.requests} == {
        (f"/hf-inference/models/{name}", "Bearer hf_mine")
    }
    hub_endpoint.fault, hub_endpoint.redirect_target = "redirects", "http://localhost:1"
    with pytest.raises(UnavailableError, match="Redirects are not followed"):
        await engine.predict(replace(TEA, top_k=20))
    await engine.close()
    close_session()  # huggingface_hub's connection, which looked up the route


@pytest.mark.parametrize("fault", ["breaks off", "503", "full"])
async def test_transient_failure_is_retried(shared_engine: SharedEngine, fault: str) -> None:
    async with connected(shared_engine) as engine:
        await engine.connect()
        shared_engine.fault = fault
        task = asyncio.ensure_future(engine.predict(TEA))
        await asyncio.to_thread(wait_until, lambda: bool(shared_engine.questions))
        shared_engine.fault = ""
        assert (await task).predictions[0].candidates
        assert len(shared_engine.questions) >= 2


@pytest.mark.parametrize("fault", ["slow", "500", "404", "no JSON"])
async def test_permanent_failure_is_not_retried(shared_engine: SharedEngine, fault: str) -> None:
    async with connected(shared_engine, timeout=0.3) as engine:
        await engine.connect()
        shared_engine.fault = fault
        with pytest.raises(UnavailableError):
            await engine.predict(TEA)
        assert len(shared_engine.questions) == 1


async def test_cancelled_question_closes_its_request(shared_engine: SharedEngine) -> None:
    async with connected(shared_engine) as engine:
        await engine.connect()
        shared_engine.fault = "slow"
        task = asyncio.ensure_future(engine.predict(TEA))
        await asyncio.to_thread(wait_until, lambda: bool(shared_engine.questions))
        task.cancel()
        await asyncio.wait({task})
        shared_engine.released.set()
        await asyncio.to_thread(wait_until, lambda: shared_engine.disconnects == 1)


async def test_identical_questions_share_one_request(shared_engine: SharedEngine) -> None:
    async with connected(shared_engine) as engine:
        tasks = [
            asyncio.ensure_future(engine.predict(TEA, priority))
            for priority in (Priority.HINT, Priority.INTERACTIVE, Priority.HINT)
        ]
        await asyncio.sleep(0)
        tasks[0].cancel()  # the others still get the answer
        assert await tasks[1] == await tasks[2]
    assert len(shared_engine.questions) == 1


async def test_answers_are_cached_and_connections_are_reused(shared_engine: SharedEngine) -> None:
    async with connected(shared_engine) as engine:
        whole = await engine.predict(replace(TEA, max_subwords=4))
        assert await engine.predict(replace(TEA, max_subwords=4)) == whole
        hovered = await engine.predict(replace(TEA, top_k=5))
        assert hovered.predictions[0].candidates == whole.predictions[0].candidates[:5]
        await engine.answer(ScoreQuestion("a text"))
        await engine.answer(ScoreQuestion("a text"))
        assert len(shared_engine.questions) == 2
        await engine.predict(replace(TEA, top_k=20))
        assert len(shared_engine.questions) == 3
    assert shared_engine.connections == 1


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make a certificate")
    path = tmp_path / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "key.pem"), "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


async def test_self_signed_certificate_is_refused_unless_trusted(
    certificate: Path, model: mlm.MaskedLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server = SharedEngine(model)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with running(server):
        async with connected(server, SECRET) as engine:
            with pytest.raises(UnavailableError, match=r"certificate of 127\.0\.0\.1:[0-9]+ is not trusted: self"):
                await engine.predict(TEA)
        assert server.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", os.fspath(certificate))  # as a user would trust the certificate
        async with connected(server, SECRET) as engine:
            assert (await engine.predict(TEA)).predictions[0].candidates
