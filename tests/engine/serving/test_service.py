"""The HTTP service of a shared engine: both protocols, limits, tokens and overload."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from fillmask_ls import MASK, mlm
from fillmask_ls.engine import codec
from fillmask_ls.engine.api import (
    FillQuestion,
    Predictions,
    PredictQuestion,
    Priority,
    Question,
    ScoreQuestion,
    SurprisalQuestion,
)
from fillmask_ls.engine.serving.front_door import FrontDoor, Policy
from fillmask_ls.engine.serving.service import Limits, Service
from fillmask_ls.words import find_masks
from shared_engine import answer

HALF = "\ud800"
TEXT = f"She drank a cup of {MASK} with milk."
TEA = PredictQuestion(TEXT, ((19, 25),), 5)


class Answered:
    """A response.

    Attributes:
        value: the JSON in its body.
    """

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.value = status, headers, json.loads(body)


class Client:
    """Sends requests to a service as an HTTP server would.

    Attributes:
        released: cleared by a test to hold the answers.
        now: the service's clock.
        asked: the questions that reached the engine, with their priorities.
    """

    def __init__(self, model: mlm.MaskedLM, **how: Any) -> None:
        self.released = asyncio.Event()
        self.released.set()
        self.now = 0.0
        self.model = model
        self.asked: list[tuple[Question, Priority]] = []
        tokenizer = model.tokenizer
        self.app = FrontDoor(
            Service(
                self.answer, model.name, lambda text: len(tokenizer.encode(text).ids), clock=lambda: self.now, **how
            ),
            Policy(),
        )

    async def answer(
        self, question: Question, priority: Priority, *, client: str, on_progress: Callable[[int], None]
    ) -> Any:
        self.asked.append((question, priority))
        await self.released.wait()
        self.now += 0.4
        return answer(self.model, question)

    async def send(self, path: str, value: Any, method: str = "POST") -> Answered:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        sent: list[Any] = []
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            return next(messages, None) or await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(b"host", b"localhost")],
            "client": ("::1", 9),
        }
        await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answered(sent[0]["status"], headers, sent[1]["body"])


@pytest.fixture
def client(model: mlm.MaskedLM) -> Client:
    return Client(model)


async def test_own_protocol_returns_the_answer_and_the_model(client: Client, model: mlm.MaskedLM) -> None:
    assert (await client.send("/healthz", b"", "GET")).value == codec.health("embedded")
    reply = await client.send("/v1/predict", codec.request(TEA))
    name, predictions = codec.read_reply(TEA, reply.value)
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


async def test_targets_have_the_probabilities_of_the_hubs_pipeline(
    client: Client, pipeline_of: Callable[[str], Any]
) -> None:
    targets = ["tea", "coffee", "zebra"]
    expected = pipeline_of("embedded")(TEXT, targets=targets)
    actual = (await client.send("/", {"inputs": TEXT, "parameters": {"targets": targets}})).value
    assert [each["token_str"] for each in actual] == [each["token_str"] for each in expected]
    assert [each["score"] for each in actual] == pytest.approx([each["score"] for each in expected], abs=1e-5)
    assert sum(each["score"] for each in actual) < 0.9


async def test_targets_are_ranked_at_each_mask(client: Client) -> None:
    request = {"inputs": TEXT, "parameters": {"targets": ["democracy", "coffee", "summerhouse"], "top_k": 2}}
    candidates = (await client.send("/", request)).value
    assert candidates[0]["token_str"] == "coffee"
    assert len(candidates) == 2
    assert candidates[0]["sequence"] == TEXT.replace(MASK, "coffee")
    two = {"inputs": f"A {MASK} of {MASK}.", "parameters": {"targets": "tea"}}
    assert [[each["token_str"] for each in one] for one in (await client.send("/", two)).value] == [["tea"], ["tea"]]


INVALID_REQUESTS: list[tuple[str, Any, int, str]] = [
    ("/nowhere", {}, 404, "/v1/predict"),
    ("/v1/predict", b"{", 400, "not JSON"),
    ("/v1/predict", b"[" * 100_000, 400, "not JSON"),
    ("/v1/predict", [], 400, "must be a JSON object"),
    ("/v1/predict", {"version": 1}, 400, "'version' must be 2"),
    ("/v1/predict", {"version": 2, "ask": "dance"}, 400, "'ask' must be one of predict, fill_jointly"),
    (
        "/v1/predict",
        {"version": 2, "ask": "predict", "question": {"text": 5}},
        400,
        "'text' must be a text without halves of surrogate pairs; 'masks' is missing",
    ),
    (
        "/v1/predict",
        {"version": 2, "ask": "score", "question": {"text": "", "s) e(cret": 5}},
        400,
        "the only fields are text, metric, spans",
    ),
    ("/", {"inputs": 5}, 400, "'inputs' must be"),
    ("/", {"inputs": TEXT, "parameters": {"top_k": 0}}, 400, "'top_k' must be"),
    ("/", {"inputs": TEXT, "parameters": {"top_k": "all"}}, 400, "'top_k' must be"),
    ("/", {"inputs": TEXT, "parameters": {"targets": [5]}}, 400, "'targets' must be"),
    ("/", {"inputs": TEXT, "parameters": {"targets": ["tea", " "]}}, 400, "'targets' must be words"),
    ("/", {"inputs": TEXT, "parameters": {"targets": ["x" * 1000]}}, 400, "'targets' must be words"),
    ("/", {"inputs": TEXT, "parameters": {"top_k": True}}, 400, "'top_k' must be"),
    ("/", {"inputs": TEXT, "parameters": {"targets": {"x": 1}}}, 400, "'targets' must be"),
    ("/", {"inputs": TEXT, "parameters": []}, 400, "'parameters' must be"),
    ("/", {"inputs": [TEXT, None]}, 400, "'inputs' must be"),
    ("/", {"inputs": []}, 400, "'inputs' must be"),
    ("/", {"inputs": TEXT + HALF}, 400, "'inputs' must be"),
    ("/", {"inputs": TEXT, "parameters": {"targets": [HALF]}}, 400, "'targets' must be"),
    ("/v1/score", {"text": HALF}, 400, "'text' must be a text"),
    ("/v1/score", {"text": "a", "metric": HALF}, 400, "'metric' must be one of"),
    ("/v1/score", {"text": "a", "metric": "no such"}, 400, "'metric' must be one of"),
    ("/v1/score", [], 400, "a JSON object"),
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
        ({"masks": [[19, 25, 30]]}, "a list of pairs [start, end]"),
        ({"masks": "all"}, "'masks' must be a list of pairs [start, end]"),
        ({"top_k": 0}, "'top_k'"),
        ({"top_k": 10**9}, "'top_k'"),
        ({"top_k": True}, "'top_k' must be a whole number"),
        ({"top_k": 2.0}, "'top_k' must be a whole number"),
        ({"focus": 1}, "'focus'"),
        ({"focus": -1}, "'focus'"),
        ({"max_subwords": 9}, "'max_subwords'"),
        ({"masks": [19, 25]}, "a list of pairs [start, end]"),
        ({"masks": {"19": 25}}, "a list of pairs [start, end]"),
        ({"prefix": None}, "'prefix' must be a text"),
        ({"prefix": HALF}, "'prefix' must be a text"),
        ({"prefix": "x" * 101}, "'prefix'"),
        ({"text": f"She drank a cup of {MASK} {HALF}"}, "'text' must be a text"),
        ({"colour": "red"}, "the only fields are text, masks"),
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
    client = Client(model, limits=Limits(text_tokens=50, text_masks=3))
    for text, message in [("a " * 500, "50 tokens"), ("a " * 60 + MASK, "50 tokens"), (f"{MASK} " * 4, "3 masks")]:
        reply = await client.send("/", {"inputs": text})
        assert (reply.status, message in reply.value["error"]) == (413, True)
    assert (await client.send("/", {"inputs": TEXT})).status == 200


LONG = "word " * 3000
MASKS = f"{MASK} " * 2500


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/", {"inputs": MASKS, "parameters": {"targets": ["x"]}}),
        ("/", {"inputs": [TEXT] * 3000}),
        ("/", {"inputs": [f"{MASK} " * 60] * 300}),
        ("/", {"inputs": LONG + TEXT, "parameters": {"top_k": 1000}}),
        ("/", {"inputs": TEXT, "parameters": {"targets": ["x"] * 1001}}),
        ("/", {"inputs": TEXT, "parameters": {"targets": [f"{number:0100}" for number in range(900)]}}),
        ("/v1/score", {"text": "x" * 80_000}),
        ("/v1/score", {"text": "a " * 5000}),
        ("/v1/predict", codec.request(PredictQuestion(MASKS, tuple(find_masks(MASKS)), 5))),
        ("/v1/predict", codec.request(PredictQuestion(LONG + TEXT, ((15_019, 15_025),) * 1001, 5))),
        ("/v1/predict", codec.request(FillQuestion(f"{MASK} " * 60, tuple(find_masks(f"{MASK} " * 60)), 1000))),
        ("/v1/predict", codec.request(SurprisalQuestion(LONG, 1000))),
        ("/v1/predict", codec.request(SurprisalQuestion(LONG, 1, ((0, 4),) * 1001))),
    ],
)
async def test_expensive_question_is_refused_before_anything_is_computed(client: Client, path: str, value: Any) -> None:
    reply = await client.send(path, value)
    assert (reply.status, bool(reply.value["error"])) == (413, True)
    assert client.asked == []


async def test_overloaded_service_refuses_and_says_when_to_retry(client: Client) -> None:
    body = codec.request(TEA)
    for _ in range(20):  # the service learns that an answer takes 0.4 s
        assert (await client.send("/v1/predict", body)).status == 200
    client.released.clear()
    pending = [asyncio.ensure_future(client.send("/v1/predict", body)) for _ in range(20)]
    while sum(each.done() for each in pending) < 15:
        await asyncio.sleep(0)
    client.released.set()
    replies = await asyncio.gather(*pending)
    assert [reply.status for reply in replies] == [200] * 5 + [429] * 15
    assert all(int(reply.headers["retry-after"]) == 2 for reply in replies[5:])
    assert (await client.send("/v1/predict", body)).status == 200
