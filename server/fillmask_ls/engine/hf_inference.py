"""Hugging Face's fill-mask protocol, which inference endpoints, providers and many other servers speak.

It answers one question: the most probable tokens at each mask. The vocabulary stays with the server, so this module
recognizes words by how their tokens are written.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import regex

from fillmask_ls.words import CONTINUATIONS, apply_case, starts_sentence

from .api import Candidate, Prediction, Predictions, PredictQuestion
from .codec import without_surrogates
from .http_client import Address, RefusedError, UnavailableError, failure, refusal

_MASK_TOKENS = ("[MASK]", "<mask>")
_TOKENS_PER_CANDIDATE = 3
"""Some tokens are not words, and several may spell the same word."""
_TOKENS_FOR_PREFIX = 200
"""The protocol has no prefixes; each token is returned with the whole passage, so more would be slow."""

_LETTER = regex.compile(r"[\p{L}\p{N}]")
_PART_OF_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]")
_NAMED_MASK = regex.compile(r"\[MASK\]|<mask>")


class FillMask:
    """A server that speaks the protocol.

    Attributes:
        model: the name of the model if it is known, otherwise the server's host.
    """

    def __init__(
        self, address: Address, make_client: Callable[[], Any], *, provider: str = "", model: str = ""
    ) -> None:
        """Create a client that has not connected yet.

        Args:
            make_client: creates the HTTP client, see :func:`~fillmask_ls.engine.http_client.client_factory`.
            provider, model: an inference provider and its model, used instead of the address.
        """
        self.model = model or address.host
        self._address = address
        self._make_client = make_client
        self._provider = provider
        self._mask = ""
        self._client: Any = None

    async def connect(self) -> None:
        """Find out the model's mask token by sending one: a server refuses a text without its own.

        Raises:
            UnavailableError, RefusedError: the server accepts no mask token.
        """
        # Without a token, huggingface_hub sends the user's own for the hub; make_client's clients remove it.
        given: dict[str, Any] = {"token": self._address.token}
        if self._provider:
            given |= {"provider": self._provider, "model": self.model}
            await asyncio.get_running_loop().run_in_executor(None, self._find_route, given)
        else:
            given["model"] = self._address.url
        self._client = _inference_client(self._make_client, given)
        refusals = []
        for mask in _MASK_TOKENS:
            refused = await self._refusal(mask)
            if refused is None:
                self._mask = mask
                return
            refusals.append(refused)
        raise refusals[0]

    async def predict(self, question: PredictQuestion) -> Predictions:
        """Predict each mask with candidates of one token, and without entropies.

        Raises:
            UnavailableError, RefusedError: there is no answer.
        """
        ends = bool(question.masks) and not question.text[question.masks[-1][1] :].strip()
        endings = CONTINUATIONS if ends else ("",)
        top_k = _TOKENS_FOR_PREFIX if question.prefix else _TOKENS_PER_CANDIDATE * question.top_k + 10
        contexts = await asyncio.gather(*(self._token_scores(question, ending, top_k) for ending in endings))
        predictions = []
        for number, span in enumerate(question.masks):
            scores: dict[str, float] = defaultdict(float)
            for context in contexts:
                for token, score in context[number]:
                    scores[token] += score / len(contexts)
            prefix = question.prefix if number == question.focus else ""
            predictions.append(_prediction(question, span, scores, prefix))
        return Predictions(self.model, tuple(predictions))

    async def close(self) -> None:
        """Close the open connections."""
        if self._client is not None:
            await self._client.close()

    async def _refusal(self, mask: str) -> RefusedError | None:
        """Return the server's refusal of a mask token; None if it accepts the token."""
        try:
            await self._fill(f"A {mask}.", 1, 1)
        except RefusedError as error:
            return error
        return None

    async def _token_scores(self, question: PredictQuestion, ending: str, top_k: int) -> list[list[tuple[str, float]]]:
        text = with_masks(question.text, question.masks, self._mask) + ending.replace("[MASK]", self._mask)
        return await self._fill(text, top_k, len(question.masks) + ending.count("[MASK]"))

    async def _fill(self, text: str, top_k: int, masks: int) -> list[list[tuple[str, float]]]:
        try:
            return _read_answer(await self._client.fill_mask(text, top_k=top_k), masks)
        except Exception as error:
            raise self._error(error) from None

    def _find_route(self, given: Mapping[str, Any]) -> None:
        """Let huggingface_hub ask the hub for the provider's route to the model: once, and blocking."""
        from huggingface_hub import InferenceClient
        from huggingface_hub.errors import OfflineModeIsEnabled

        try:
            InferenceClient(**given, timeout=30).fill_mask("A [MASK].", top_k=1)
        except OfflineModeIsEnabled:
            raise UnavailableError("HF_HUB_OFFLINE is set, so that no provider can be asked.") from None
        except Exception as error:
            if type(error) is ValueError:  # an unknown provider or model
                raise UnavailableError(str(error)) from None
            problem = self._error(error)
            if isinstance(problem, UnavailableError):
                raise problem from None

    def _error(self, error: Exception) -> UnavailableError | RefusedError:
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", None)
        if status is None:
            return failure(error, self._address.host)
        server_message = getattr(error, "server_message", None) or ""
        if _NAMED_MASK.search(server_message) and status >= 400:  # some servers refuse a mask token with a 500
            return RefusedError(" ".join(server_message.split())[:200])
        return cast(
            "UnavailableError | RefusedError",
            refusal(status, getattr(response, "headers", {}), server_message, self._address),
        )


def with_masks(text: str, masks: Sequence[tuple[int, int]], mask: str) -> str:
    """Return a text with the model's own mask token at its masks and nowhere else."""
    parts, end = [], 0
    for start, stop in masks:
        parts.append(_without_mask_token(text[end:start], mask))
        end = stop
    return mask.join([*parts, _without_mask_token(text[end:], mask)])


def _without_mask_token(text: str, mask: str) -> str:
    text = without_surrogates(text)
    return text.replace(mask, f"{mask[0]} {mask[1:]}") if mask else text


def _read_answer(answer: object, masks: int) -> list[list[tuple[str, float]]]:
    """Return the tokens and probabilities for each mask, from an answer that is one list, or one list per mask."""
    if not isinstance(answer, list):
        raise TypeError("not a list")
    lists = answer if answer and isinstance(answer[0], list) else [answer]
    if len(lists) != masks:
        raise ValueError("not one list per mask")
    return [[_read_token(each) for each in tokens] for tokens in lists]


def _read_token(value: object) -> tuple[str, float]:
    token, score = getattr(value, "token_str", None), getattr(value, "score", None)
    if not isinstance(token, str) or isinstance(score, bool) or not isinstance(score, (int, float)):
        raise TypeError("not a token with a score")
    if not 0 <= score <= 1.001:
        raise ValueError("not a probability")
    return token, float(score)


def _prediction(
    question: PredictQuestion, span: tuple[int, int], scores: Mapping[str, float], prefix: str
) -> Prediction:
    before = question.text[: span[0]]
    is_continuation = bool(_PART_OF_WORD.match(before[-1:]))
    # In byte-level vocabularies a token that begins a word begins with a space; in BERT's, other tokens begin with ##.
    marks_spaces = any(token.startswith(" ") for token in scores)
    capital = starts_sentence(before)
    words: dict[str, float] = defaultdict(float)
    for token, score in scores.items():
        continues = not token.startswith(" ") if marks_spaces else token.startswith("##")
        word = token.removeprefix("##").strip()
        if (
            continues is not is_continuation
            or not _LETTER.search(word)
            or "\ufffd" in word
            or word.startswith("[unused")
        ):
            continue
        if word.casefold().startswith(prefix.casefold()):
            words[apply_case(word, capital=capital, prefix=prefix, begun=len(prefix))] += score
    best = sorted(words.items(), key=lambda item: -item[1])[: question.top_k]
    return Prediction(span, tuple(Candidate(word, score) for word, score in best), None)


def _inference_client(make_client: Callable[[], Any], given: Mapping[str, Any]) -> Any:
    """Return huggingface_hub's inference client with an HTTP client of ours.

    huggingface_hub takes an HTTP client only for the whole process. Ours decides who gets the token and follows no
    redirects, so without the method that it replaces nothing may be sent.
    """
    from huggingface_hub import AsyncInferenceClient

    if not hasattr(AsyncInferenceClient, "_get_async_client"):
        raise UnavailableError("This version of huggingface_hub is not supported; install another one.")

    class Client(AsyncInferenceClient):
        async def _get_async_client(self) -> Any:
            if self._async_client is None:
                self._async_client = await self.exit_stack.enter_async_context(make_client())
            return self._async_client

    return Client(**given)
