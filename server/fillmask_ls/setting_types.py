"""The types of settings: their JSON Schema, and the validation of the values that a client sends."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

_PROVIDER_NAME = re.compile(r"[a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type of a setting.

    Attributes:
        schema: the type in JSON Schema, for the manifests of editors.
        expected: the type in words, for an error message.
        parse: returns the validated value, or None if the value is invalid.
        may_quote: whether an error message may quote an invalid value. False for URLs: they can contain a password.
    """

    schema: Mapping[str, Any]
    expected: str
    parse: Callable[[object], Any]
    may_quote: bool = True


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is this machine, without asking a name server."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def free_text(expected: str) -> ValueType:
    """Return the type of a text that is not empty.

    Args:
        expected: which texts are expected, for an error message.
    """

    def parse(value: object) -> str | None:
        return (value.strip() or None) if isinstance(value, str) else None

    return ValueType({"type": "string"}, f"a text: {expected}", parse)


def engine_url() -> ValueType:
    """Return the type of a shared engine's address: an HTTPS URL, HTTP to this machine only, or an empty text."""

    def parse(value: object) -> str | None:
        if not isinstance(value, str):
            return None
        url = value.strip().rstrip("/")
        try:
            parts = urlsplit(url)
            _ = parts.port  # validated on access
        except ValueError:
            return None
        secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        plain = parts.username is parts.password is None and not parts.query and not parts.fragment
        return url if not url or (secure and plain and parts.hostname) else None

    expected = "https://HOST, http:// to this machine, or empty; without a password, query or fragment"
    return ValueType({"type": "string"}, expected, parse, may_quote=False)


def provider_name() -> ValueType:
    """Return the type of the name of a Hugging Face inference provider, or an empty text."""

    def parse(value: object) -> str | None:
        return value.strip() if isinstance(value, str) and _PROVIDER_NAME.fullmatch(value.strip()) else None

    return ValueType({"type": "string"}, "the name of a provider, such as hf-inference, or empty", parse)


def one_of(*values: str) -> ValueType:
    """Return the type of a choice among texts."""
    expected = f"{', '.join(values[:-1])} or {values[-1]}"
    return ValueType(
        {"type": "string", "enum": list(values)}, expected, lambda value: value if value in values else None
    )


def integer(low: int, high: int) -> ValueType:
    """Return the type of a whole number from ``low`` to ``high``."""

    def parse(value: object) -> int | None:
        valid = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return value if valid else None  # type: ignore[return-value]  # an int

    return ValueType(
        {"type": "integer", "minimum": low, "maximum": high}, f"a whole number from {low} to {high}", parse
    )


def number(low: int, high: int) -> ValueType:
    """Return the type of a number from ``low`` to ``high``."""

    def parse(value: object) -> float | None:
        valid = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
        return float(value) if valid else None  # type: ignore[arg-type]  # a number

    return ValueType({"type": "number", "minimum": low, "maximum": high}, f"a number from {low} to {high}", parse)


def language_ids() -> ValueType:
    """Return the type of a list of the language identifiers that editors use."""

    def parse(value: object) -> tuple[str, ...] | None:
        if not isinstance(value, (list, tuple)):
            return None
        return tuple(value) if all(isinstance(name, str) and name for name in value) else None

    schema = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    return ValueType(schema, "a list of language identifiers", parse)


BOOLEAN = ValueType({"type": "boolean"}, "true or false", lambda value: value if isinstance(value, bool) else None)
