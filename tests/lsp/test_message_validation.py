"""Validation of single messages, which needs no state."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lsprotocol import types

from fillmask_ls.lsp.message_validation import (
    MAX_DEPTH,
    InvalidMessageError,
    fill_in_versions,
    is_id,
    is_too_deep,
    parse_message,
    redact_token,
    strict_converter,
)
from lsp.small_server import nested


def test_infinite_numbers_become_the_largest_finite_ones() -> None:
    message = parse_message(b'{"jsonrpc": "2.0", "params": [1e999, -1e999, 0.5]}')
    largest = 1.7976931348623157e308
    assert message["params"] == [largest, -largest, 0.5]
    assert parse_message(json.dumps(message).encode()) == message


@pytest.mark.parametrize("body", [b'{"jsonrpc": "2.0", "x": NaN}', b'{"jsonrpc": "2.0", "x": -Infinity}', b"{"])
def test_body_that_is_not_json_is_a_parse_error(body: bytes) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        parse_message(body)
    assert caught.value.error.code == types.ErrorCodes.ParseError


def test_error_carries_the_id_if_there_is_one() -> None:
    with pytest.raises(InvalidMessageError) as caught:
        parse_message(b'{"id": 7, "method": "x"}')
    assert caught.value.id == 7
    assert caught.value.error.code == types.ErrorCodes.InvalidRequest


@pytest.mark.parametrize(("value", "expected"), [(1, True), ("", True), (True, False), (1.0, False), (None, False)])
def test_ids_are_integers_and_strings(value: object, expected: bool) -> None:
    assert is_id(value) is expected


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"a": 0, "b": value}, lambda value: [[], value]])
def test_depth_counts_objects_and_arrays(wrap: Any) -> None:
    extra = 0 if wrap(1) == 1 else 1
    assert not is_too_deep(wrap(nested(MAX_DEPTH - extra)))
    assert is_too_deep(wrap(nested(MAX_DEPTH + 1 - extra)))


@pytest.mark.parametrize(
    ("value", "cls"),
    [
        (None, str),
        (5, str),
        ("5", int),
        (True, int),
        (1, bool),
        (1.5, int),
        ("x", types.MarkupKind),
        (99, types.SymbolKind),
    ],
)
def test_converter_refuses_values_of_other_types(value: object, cls: type[Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        strict_converter().structure(value, cls)


@pytest.mark.parametrize(
    ("value", "cls", "expected"),
    [("x", str, "x"), (5.0, int, 5), (True, bool, True), ("markdown", types.MarkupKind, types.MarkupKind.Markdown)],
)
def test_converter_accepts_values_of_the_type(value: object, cls: type[Any], expected: object) -> None:
    assert strict_converter().structure(value, cls) == expected


@pytest.mark.parametrize("params", [None, [], 5, {}, {"textDocument": None}, {"textDocument": {"uri": 5}}])
def test_version_is_not_filled_in_without_a_document(params: object) -> None:
    message = {"params": params}
    fill_in_versions(message, lambda _: 1)
    assert message == {"params": params}


def test_version_that_the_client_sends_is_kept() -> None:
    message = {"params": {"textDocument": {"uri": "a", "version": 0}}}
    fill_in_versions(message, lambda _: 1)
    assert message["params"]["textDocument"]["version"] == 0


def test_token_is_redacted_and_nothing_else() -> None:
    message = {"id": 1, "params": {"x": 1, "initializationOptions": {"engineToken": "secret", "model": "auto"}}}
    assert redact_token(message) == {
        "id": 1,
        "params": {"x": 1, "initializationOptions": {"engineToken": "…", "model": "auto"}},
    }
    assert "secret" in str(message)
