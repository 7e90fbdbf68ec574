"""Requests that the shared engine refuses by their headers; deadlines and limits of its connections, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from fillmask_ls.engine import codec
from fillmask_ls.engine.api import PredictQuestion
from fillmask_ls.engine.http_client import Address, UnavailableError, refusal
from fillmask_ls.engine.serving.connections import ConnectionLimits
from fillmask_ls.engine.serving.front_door import FrontDoor, Policy, digest
from fillmask_ls.engine.serving.service import Service
from raw_http import Peer, head, post, serving
from scripted_engine import ScriptedEngine

TEXT = "She drank a cup of [MASK] with milk."
QUESTION = codec.request(PredictQuestion(TEXT, ((19, 25),), 3))

Serve = Callable[..., AbstractAsyncContextManager[Peer]]


@pytest.fixture
async def engine() -> ScriptedEngine:
    engine = ScriptedEngine()
    await engine.load("embedded", "cpu")
    return engine


@pytest.fixture
def serve(engine: ScriptedEngine) -> Serve:
    """Return a function that serves the scripted engine with a policy and limits of connections."""

    async def answer(question: Any, priority: Any, **_how: Any) -> Any:
        return await engine.answer(question, priority)

    @asynccontextmanager
    async def start(limits: ConnectionLimits | None = None, **policy: Any) -> AsyncIterator[Peer]:
        app = FrontDoor(Service(answer, "embedded", engine.count_tokens), Policy(**policy))
        async with serving(app, limits) as peer:
            yield peer

    return start


async def test_valid_question_is_answered(serve: Serve) -> None:
    async with serve() as peer:
        response = await peer.post("/v1/predict", QUESTION)
        assert (response.status, response.value["model"]) == (200, "embedded")
        assert (await peer.get("/healthz")).value == codec.health("embedded")
        old = await peer.exchange(post("/v1/predict", QUESTION, version="1.0"))
        assert old.value["answer"] == response.value["answer"]
        metrics = (await peer.get("/metrics")).body.decode()
        assert 'fillmask_http_requests_total{path="/v1/predict",status="200"} 2' in metrics


async def test_pipelined_questions_are_answered_in_order(serve: Serve) -> None:
    async with serve() as peer:
        connection = await peer.connect()
        await connection.send(post("/v1/predict", QUESTION) + post("/nowhere", {}) + head("GET /healthz HTTP/1.1"))
        assert [(await connection.response()).status for _ in range(2)] == [200, 404]


SECRET = "s3cret-t0ken"
RIGHT = f"Authorization: Bearer {SECRET}"


AUTHORIZATIONS = [
    ([RIGHT], 200),
    ([f"authorization: bearer   {SECRET}"], 200),
    ([f"Authorization: BEARER {SECRET}"], 200),
    ([], 401),
    (["Authorization: Bearer wrong"], 401),
    (["Authorization:"], 401),
    ([f"Authorization: {SECRET}"], 401),
    ([f"Authorization: Basic {SECRET}"], 401),
    ([f"Authorization: Bearer {SECRET} {SECRET}"], 401),
    ([f"Authorization: Bearer {SECRET}\xe9"], 401),
    (["Authorization: Bearer wrong", RIGHT], 400),
    ([RIGHT, RIGHT], 400),
]


async def test_token_is_taken_in_the_forms_of_rfc_6750_only(serve: Serve) -> None:
    async with serve(token=digest(SECRET)) as peer:
        for lines, status in AUTHORIZATIONS:
            response = await peer.post("/v1/predict", QUESTION, *lines)
            assert response.status == status, lines
            assert SECRET.encode() not in response.body
            assert response.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


async def test_health_needs_no_token_and_metrics_do(serve: Serve) -> None:
    async with serve(token=digest(SECRET)) as peer:
        assert (await peer.get("/healthz")).status == 200
        assert (await peer.get("/metrics")).status == 401
        assert (await peer.get("/metrics", RIGHT)).status == 200


HOSTS = [
    ("localhost", 200),
    ("LOCALHOST.:8000", 200),
    ("127.0.0.1:8000", 200),
    ("[::1]:8000", 200),
    ("10.0.0.7", 200),
    ("engine.example.org", 200),
    ("ENGINE.example.org:443", 200),
    ("evil.example", 403),
    ("localhost.evil.example", 403),
    ("127.0.0.1.evil.example", 403),
    ("engine.example.org.evil.example", 403),
    ("[::1].evil.example", 200),  # no browser sends it
    ("", 400),
    (None, 400),
]


async def test_other_hosts_are_refused(serve: Serve) -> None:
    """A page that points its own name at this machine (DNS rebinding) can't ask."""
    async with serve(hosts=frozenset({"engine.example.org"})) as peer:
        for host, status in HOSTS:
            for request in (post("/v1/predict", QUESTION, host=host), head("GET /healthz HTTP/1.1", host=host)):
                assert (await peer.exchange(request)).status == status, host


async def test_client_is_told_which_option_the_engine_lacks(serve: Serve) -> None:
    async with serve() as peer:
        response = await peer.exchange(post("/v1/predict", QUESTION, host="engine.example.org"))
    error = refusal(response.status, response.headers, response.value["error"], Address("https://engine.example.org"))
    assert isinstance(error, UnavailableError)
    assert "engine.example.org refuses this client (403)" in str(error)
    assert "--allow-host" in str(error)


async def test_pages_in_browsers_are_refused_unless_their_origin_is_allowed(serve: Serve) -> None:
    allowed = "https://app.example.org"
    async with serve(origins=frozenset({allowed})) as peer:
        for lines in (["Origin: https://evil.example"], ["Origin: null"], ["Sec-Fetch-Site: cross-site"]):
            for request in (post("/v1/predict", QUESTION, *lines), head("GET /healthz HTTP/1.1", *lines)):
                assert (await peer.exchange(request)).status == 403
        response = await peer.post("/v1/predict", QUESTION, f"Origin: {allowed}")
        assert (response.status, response.headers["access-control-allow-origin"]) == (200, allowed)
        before = await peer.exchange(head("OPTIONS /v1/predict HTTP/1.1", f"Origin: {allowed}"))
        assert (before.status, before.headers["access-control-allow-headers"]) == (204, "authorization, content-type")
        assert (await peer.exchange(head("OPTIONS / HTTP/1.1", "Origin: https://evil.example"))).status == 403


BAD_HEADERS = [
    (["Content-Length: 300000000"], 413),
    ([f"Content-Length: {'9' * 18}"], 413),
    ([f"Content-Length: {'9' * 30}"], 400),
    (["Content-Length: 262145"], 413),
    (["Content-Length: -1"], 400),
    (["Content-Length: 1_0"], 400),
    (["Content-Length: 5", "Content-Length: 6"], 400),
    (["Content-Length: 5", "Transfer-Encoding: chunked"], 400),
    (["Transfer-Encoding: gzip"], 400),
    (["Content-Length: 5", "Content-Encoding: gzip"], 415),
    (["Content-Length: 5", *(f"X-{number}: y" for number in range(70))], 431),
    (["Content-Length: 5", f"X: {'y' * 20_000}"], 431),
    (["Content-Length: 5", "Host: other"], 400),
]


async def test_request_is_refused_by_its_headers_without_its_body(serve: Serve, engine: ScriptedEngine) -> None:
    async with serve() as peer:
        for lines, status in BAD_HEADERS:
            connection = await peer.connect()
            await connection.send(head("POST /v1/predict HTTP/1.1", *lines))
            assert (await connection.response()).status == status, lines
            assert await connection.wait_until_closed() == b""
        assert engine.received == []


async def test_endless_headers_are_not_read(serve: Serve) -> None:
    async with serve() as peer:
        response = await peer.exchange(b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 40_000)
        assert response.status == 400


async def test_large_body_is_not_read_before_the_token_is_checked(serve: Serve) -> None:
    async with serve(token=digest(SECRET)) as peer:
        response = await peer.exchange(head("POST /v1/predict HTTP/1.1", "Content-Length: 300000000"))
        assert response.status == 401


async def test_chunked_body_is_read_up_to_the_limit(serve: Serve) -> None:
    async with serve(max_body_bytes=1000) as peer:
        start = head("POST /v1/predict HTTP/1.1", "Transfer-Encoding: chunked")
        body = json.dumps(QUESTION).encode()
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:50], body[50:]))
        assert (await peer.exchange(start + chunks + b"0\r\n\r\n")).status == 200
        assert (await peer.exchange(start + b"400\r\n" + b" " * 1024)).status == 413


async def test_unfinished_bodies_end_and_keep_nobody_out(serve: Serve) -> None:
    async with serve(body_timeout=1.0) as peer:
        slow = [await peer.connect() for _ in range(200)]
        for connection in slow:
            await connection.send(head("POST /v1/predict HTTP/1.1", "Content-Length: 500") + b"{")
        assert (await peer.post("/v1/predict", QUESTION)).status == 200
        assert (await peer.get("/healthz")).status == 200
        responses = await asyncio.gather(*(connection.response() for connection in slow))
        assert {response.status for response in responses} == {408}
        for connection in slow:
            await connection.wait_until_closed()


async def test_unfinished_headers_end(serve: Serve) -> None:
    async with serve(ConnectionLimits(header_timeout=0.5)) as peer:
        silent, slow, second = [await peer.connect() for _ in range(3)]
        await slow.send(b"POST /v1/predict HTTP/1.1\r\nHost: loc")
        await second.send(post("/v1/predict", QUESTION))
        assert (await second.response()).status == 200
        await second.send(b"GET /healthz HTTP/1.1\r\n")
        for connection in (silent, slow, second):
            assert await connection.wait_until_closed() == b""


async def test_idle_connections_make_room_for_new_ones(serve: Serve) -> None:
    async with serve(ConnectionLimits(total=20, per_address=10)) as peer:
        idle = [await peer.connect() for _ in range(10)]
        for _ in range(10):
            assert (await peer.get("/healthz")).status == 200
        assert await idle[0].wait_until_closed() == b""


async def test_connections_beyond_the_limit_are_refused_while_all_others_are_busy(
    serve: Serve, engine: ScriptedEngine
) -> None:
    engine.hold()
    async with serve(ConnectionLimits(total=20, per_address=3)) as peer:
        busy = [await peer.connect() for _ in range(3)]
        for connection in busy:
            await connection.send(post("/v1/predict", QUESTION))
        await engine.wait_until(lambda: len(engine.received) == 3)
        assert await (await peer.connect()).wait_until_closed() == b""
        await engine.release()
        assert [(await connection.response()).status for connection in busy] == [200] * 3


async def test_question_is_given_up_when_its_client_leaves(serve: Serve, engine: ScriptedEngine) -> None:
    engine.hold()
    async with serve() as peer:
        connection = await peer.connect()
        await connection.send(post("/v1/predict", QUESTION))
        await engine.wait_until(lambda: len(engine.received) == 1)
        connection.close()
        while "fillmask_waiting_requests 0" not in (await peer.get("/metrics")).body.decode():
            await asyncio.sleep(0)
        await engine.release()
        assert engine.answered == []


async def test_pending_question_is_answered_at_the_end(serve: Serve, engine: ScriptedEngine) -> None:
    engine.hold()
    async with serve() as peer:
        connection = await peer.connect()
        await connection.send(post("/v1/predict", QUESTION))
        await engine.wait_until(lambda: len(engine.received) == 1)
        asyncio.get_running_loop().call_later(0.3, lambda: asyncio.ensure_future(engine.release()))
    assert (await connection.response()).status == 200


HALF = "\ud800"
INVALID_BODIES: dict[str, bytes] = {
    "UTF-16": json.dumps(QUESTION).encode("utf-16"),
    "half a pair in UTF-8": json.dumps(QUESTION).encode().replace(b"cup", b"\xed\xa0\x80"),
    "bytes": b"\xff\xfe\x00",
    "nothing": b"",
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "large number": b'{"version": ' + b"9" * 100_000 + b"}",
}


async def test_body_that_is_not_json_in_utf_8_is_refused(serve: Serve) -> None:
    async with serve() as peer:
        for name, body in INVALID_BODIES.items():
            for path in ("/v1/predict", "/v1/score", "/"):
                response = await peer.post(path, body)
                assert (response.status, bool(response.value["error"])) == (400, True), name


async def test_unknown_paths_and_methods_are_refused(serve: Serve) -> None:
    async with serve() as peer:
        assert (await peer.get("/v1/predict")).status == 405
        assert (await peer.post("/healthz", {})).status == 405
        assert (await peer.get("/%00%ff/../etc/passwd")).status == 404
        assert (await peer.exchange(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")).status == 400
        upgrade = head("GET /healthz HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade")
        assert (await peer.exchange(upgrade)).value == codec.health("embedded")
