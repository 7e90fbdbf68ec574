"""The HTTP service of a shared engine: both protocols, limits, tokens and overload."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fillmask_ls import MASK, mlm
from fillmask_ls.engine import codec
from fillmask_ls.engine.api import Predictions, PredictQuestion, Question, ScoreQuestion
from fillmask_ls.engine.service import Limits, Reply, Service, digest
from shared_engine import answer

TEXT = f"She drank a cup of {MASK} with milk."
TEA = PredictQuestion(TEXT, ((19, 25),), 5)


class Client:
    """Sends requests to a service as an HTTP server would.

    Attributes:
        released: cleared by a test to hold the answers.
        now: the service's clock.
    """

    def __init__(self, model: mlm.MaskedLM, **how: Any) -> None:
        self.released = asyncio.Event()
        self.released.set()
        self.now = 0.0
        self.model = model
        tokenizer = model.tokenizer
        self.service = Service(
            self.answer, model.name, lambda text: len(tokenizer.encode(text).ids), clock=lambda: self.now, **how
        )

    async def answer(self, question: Question) -> Any:
        await self.released.wait()
        self.now += 0.4
        return answer(self.model, question)

    async def send(self, path: str, value: Any, method: str = "POST", **headers: str) -> Reply:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        reply = await self.service.respond(method, path, headers, body)
        json.loads(reply.content)
        return reply


@pytest.fixture
def client(model: mlm.MaskedLM) -> Client:
    return Client(model)


async def test_own_protocol_returns_the_answer_and_the_model(client: Client, model: mlm.MaskedLM) -> None:
    assert (await client.send("/healthz", b"", "GET")).value == codec.health("embedded")
    reply = await client.send("/v1/predict", codec.request(TEA))
    name, predictions = codec.read_reply(TEA, json.loads(reply.content))
    assert (reply.status, name) == (200, "embedded")
    assert predictions == Predictions("embedded", tuple(answer(model, TEA).predictions))


async def test_score_route_adds_the_sums(client: Client, model: mlm.MaskedLM) -> None:
    reply = await client.send("/v1/score", {"text": "It was a good day."})
    expected = answer(model, ScoreQuestion("It was a good day."))
    assert reply.value["pseudo_log_likelihood"] == pytest.approx(expected.pseudo_log_likelihood)
    assert [token["text"] for token in reply.value["answer"]["tokens"]] == [token.text for token in expected.tokens]


async def test_fill_mask_protocol_returns_the_hubs_format(client: Client) -> None:
    one = (await client.send("/", {"inputs": TEXT, "parameters": {"top_k": 3}})).value
    assert len(one) == 3
    assert {"score", "token", "token_str", "sequence"} == set(one[0])
    assert one[0]["sequence"] == TEXT.replace(MASK, one[0]["token_str"])
    two = (await client.send("/", {"inputs": f"A {MASK} of {MASK}."})).value
    assert [len(each) for each in two] == [5, 5]
    both = (await client.send("/", {"inputs": [TEXT, TEXT]})).value
    assert [len(each) for each in both] == [5, 5]
    refused = await client.send("/", {"inputs": "no mask"})
    assert (refused.status, MASK in refused.value["error"]) == (400, True)


async def test_targets_are_ranked_at_each_mask(client: Client) -> None:
    request = {"inputs": TEXT, "parameters": {"targets": ["democracy", "coffee", "summerhouse"], "top_k": 2}}
    candidates = (await client.send("/", request)).value
    assert candidates[0]["token_str"] == "coffee"
    assert len(candidates) == 2
    assert candidates[0]["sequence"] == TEXT.replace(MASK, "coffee")
    assert candidates[0]["score"] > 0.9
    two = {"inputs": f"A {MASK} of {MASK}.", "parameters": {"targets": "tea"}}
    assert [[each["token_str"] for each in one] for one in (await client.send("/", two)).value] == [["tea"], ["tea"]]


INVALID_REQUESTS: list[tuple[str, Any, int, str]] = [
    ("/nowhere", {}, 404, "/v1/predict"),
    ("/v1/predict", b"{", 400, "not JSON"),
    ("/v1/predict", b"[" * 100_000, 400, "not JSON"),
    ("/v1/predict", [], 400, "must be a JSON object"),
    ("/v1/predict", {"version": 2}, 400, "'version' must be 1"),
    ("/v1/predict", {"version": 1, "ask": "dance"}, 400, "'ask' must be one of predict, fill_jointly"),
    ("/v1/predict", {"version": 1, "ask": "predict", "question": {"text": 5}}, 400, "not in the protocol's form"),
    ("/", {"inputs": 5}, 400, "'inputs' must be"),
    ("/", {"inputs": TEXT, "parameters": {"top_k": 0}}, 400, "'top_k' must be"),
    ("/", {"inputs": TEXT, "parameters": {"top_k": "all"}}, 400, "not in the protocol's form"),
    ("/", {"inputs": TEXT, "parameters": {"targets": [5]}}, 400, "not in the protocol's form"),
    ("/", {"inputs": TEXT, "parameters": {"targets": ["tea", " "]}}, 400, "'targets' must be words"),
    ("/", {"inputs": TEXT, "parameters": {"targets": ["x" * 1000]}}, 400, "'targets' must be words"),
    ("/", {"inputs": TEXT, "parameters": {"targets": ["x"] * 1001}}, 400, "there may be 1000 'targets'"),
]


@pytest.mark.parametrize(("path", "value", "status", "message"), INVALID_REQUESTS)
async def test_invalid_request_is_refused_with_the_reason(
    client: Client, path: str, value: Any, status: int, message: str
) -> None:
    reply = await client.send(path, value)
    assert reply.status == status
    assert message in reply.value["error"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": [[0, 6]]}, "where the text has"),
        ({"masks": [[19, 99]]}, "spans of the text"),
        ({"masks": [[19, 25, 30]]}, "form"),
        ({"masks": "all"}, "form"),
        ({"top_k": 0}, "'top_k'"),
        ({"top_k": 10**9}, "'top_k'"),
        ({"top_k": True}, "form"),
        ({"top_k": 2.0}, "form"),
        ({"focus": 1}, "'focus'"),
        ({"focus": -1}, "'focus'"),
        ({"max_subwords": 9}, "'max_subwords'"),
        ({"prefix": None}, "form"),
        ({"colour": "red"}, "form"),
        ({"text": f"{MASK}"}, "spans of the text"),
    ],
)
async def test_invalid_question_is_refused_with_the_reason(
    client: Client, change: dict[str, Any], message: str
) -> None:
    body = json.loads(json.dumps(codec.request(TEA)))
    body["question"].update(change)
    reply = await client.send("/v1/predict", body)
    assert (reply.status, message in reply.value["error"]) == (400, True)
    assert "milk" not in reply.value["error"]


async def test_too_large_requests_are_refused(model: mlm.MaskedLM) -> None:
    client = Client(model, limits=Limits(body=2000, tokens=50, masks=3))
    for text, message in [("a " * 1500, "2000 bytes"), ("a " * 60 + MASK, "50 tokens"), (f"{MASK} " * 4, "3 masks")]:
        reply = await client.send("/", {"inputs": text})
        assert (reply.status, message in reply.value["error"]) == (413, True)
    assert (await client.send("/", {"inputs": TEXT})).status == 200


async def test_only_the_right_token_is_accepted(model: mlm.MaskedLM) -> None:
    client = Client(model, token=digest("s3cret"))
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": ""}):
        assert (await client.send("/", {"inputs": TEXT}, **headers)).status == 401
    assert (await client.send("/", {"inputs": TEXT}, authorization="Bearer s3cret")).status == 200
    assert (await client.send("/healthz", b"", "GET")).status == 200  # health checks need no token
    assert "s3cret" not in repr(vars(client.service))


async def test_overloaded_service_refuses_and_says_when_to_retry(client: Client) -> None:
    body = codec.request(TEA)
    for _ in range(20):  # the service learns that an answer takes 0.4 s
        assert (await client.send("/v1/predict", body)).status == 200
    client.released.clear()
    pending = [asyncio.ensure_future(client.send("/v1/predict", body)) for _ in range(20)]
    await asyncio.sleep(0)
    client.released.set()
    replies = await asyncio.gather(*pending)
    assert [reply.status for reply in replies] == [200] * 4 + [429] * 16
    assert all(int(reply.headers["Retry-After"]) == 2 for reply in replies[4:])
    assert (await client.send("/v1/predict", body)).status == 200
