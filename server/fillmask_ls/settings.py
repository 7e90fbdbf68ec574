"""Every setting: name, type, default and description, and the validation of the values that a client sends.

The manifest of the VS Code extension and ``server/docs/settings.md`` are generated from here. ``python -m
fillmask_ls.settings`` prints all settings as JSON Schema.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from .words import SUBWORDS_LIMIT

SECTION = "fillmask"

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


def _text(expected: str) -> ValueType:
    def parse(value: object) -> str | None:
        return (value.strip() or None) if isinstance(value, str) else None

    return ValueType({"type": "string"}, f"a text: {expected}", parse)


def _engine_url() -> ValueType:
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


def _provider() -> ValueType:
    def parse(value: object) -> str | None:
        return value.strip() if isinstance(value, str) and _PROVIDER_NAME.fullmatch(value.strip()) else None

    return ValueType({"type": "string"}, "the name of a provider, such as hf-inference, or empty", parse)


def _one_of(*values: str) -> ValueType:
    expected = f"{', '.join(values[:-1])} or {values[-1]}"
    return ValueType(
        {"type": "string", "enum": list(values)}, expected, lambda value: value if value in values else None
    )


def _integer(low: int, high: int) -> ValueType:
    def parse(value: object) -> int | None:
        valid = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return value if valid else None  # type: ignore[return-value]  # an int

    return ValueType(
        {"type": "integer", "minimum": low, "maximum": high}, f"a whole number from {low} to {high}", parse
    )


def _number(low: int, high: int) -> ValueType:
    def parse(value: object) -> float | None:
        valid = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
        return float(value) if valid else None  # type: ignore[arg-type]  # a number

    return ValueType({"type": "number", "minimum": low, "maximum": high}, f"a number from {low} to {high}", parse)


def _language_ids() -> ValueType:
    def parse(value: object) -> tuple[str, ...] | None:
        if not isinstance(value, (list, tuple)):
            return None
        return tuple(value) if all(isinstance(name, str) and name for name in value) else None

    schema = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    return ValueType(schema, "a list of language identifiers", parse)


_BOOLEAN = ValueType({"type": "boolean"}, "true or false", lambda value: value if isinstance(value, bool) else None)


def _setting(
    name: str,
    default: Any,
    value_type: ValueType,
    description: str,
    *,
    server_wide: bool = False,
    user_only: bool = False,
) -> Any:
    """Declare a setting.

    Args:
        server_wide: one value holds for the whole server, not one a document, and an untrusted workspace cannot
            change it.
        user_only: a server-wide setting that editors read from the user's own settings only, never from a workspace.
    """
    server_wide = server_wide or user_only
    scope = "machine" if user_only else "machine-overridable" if server_wide else "resource"
    return field(
        default=default,
        metadata={
            "name": name,
            "type": value_type,
            "description": description,
            "server_wide": server_wide,
            "scope": scope,
        },
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the server or of one document. :func:`merge_settings` validates what a client sends."""

    model: str = _setting(
        "model",
        "auto",
        _text("auto, embedded, a folder or a Hugging Face hub id"),
        "The masked language model: auto, embedded, a folder, or a Hugging Face hub id such as "
        "google-bert/bert-base-uncased. auto uses bert-base-uncased if it is in the Hugging Face cache, otherwise the "
        "embedded model.",
        server_wide=True,
    )
    device: str = _setting(
        "device",
        "auto",
        _text("auto, cpu, cuda, cuda:0 or mps"),
        "The device that runs the model: auto, cpu, cuda, cuda:0 or mps. auto uses the GPU if there is one.",
        server_wide=True,
    )
    dtype: str = _setting(
        "dtype",
        "auto",
        _one_of("auto", "float32", "bfloat16", "float16"),
        "The precision of the model's weights. auto uses bfloat16 where the device supports it natively, otherwise "
        "float32.",
        server_wide=True,
    )
    runtime: str = _setting(
        "runtime",
        "torch",
        _one_of("torch", "openvino"),
        "The library that runs the model. openvino runs on the CPU only and needs an extra: pip install "
        "'fillmask-ls[openvino]'.",
        server_wide=True,
    )
    engine_url: str = _setting(
        "engine.url",
        "",
        _engine_url(),
        "The URL of a shared engine that runs the model instead of this machine. Your text is sent there. Empty: no "
        "shared engine.",
        user_only=True,
    )
    engine_provider: str = _setting(
        "engine.provider",
        "",
        _provider(),
        "The Hugging Face inference provider that runs the model instead of this machine, such as hf-inference. Your "
        "text is sent there. Empty: no provider.",
        user_only=True,
    )
    engine_fallback: bool = _setting(
        "engine.fallback",
        True,
        _BOOLEAN,
        "Run the model on this machine while the shared engine is unavailable.",
        user_only=True,
    )
    completion_top_k: int = _setting(
        "completion.topK",
        10,
        _integer(1, 100),
        "The number of words in a completion list.",
    )
    hover_top_k: int = _setting(
        "hover.topK",
        5,
        _integer(1, 100),
        "The number of words in a hover.",
    )
    hover_words: bool = _setting(
        "hover.words",
        False,
        _BOOLEAN,
        "Show the surprisal of any word, and the words that the model expects there, when you hover over it.",
    )
    hover_subwords: bool = _setting(
        "hover.subwords",
        False,
        _BOOLEAN,
        "Show the subwords that make up a word, with their ids in the model's vocabulary, in a hover.",
    )
    inlay_hints: bool = _setting(
        "inlayHints.enabled",
        True,
        _BOOLEAN,
        "Show the best word and its probability after each mask.",
    )
    inlay_hints_minimum: float = _setting(
        "inlayHints.minimum",
        10.0,
        _number(0, 100),
        "The probability, in percent, below which a word is not shown after its mask.",
    )
    inline_completion: bool = _setting(
        "inlineCompletion.enabled",
        True,
        _BOOLEAN,
        "Show the best word as ghost text when the cursor is at a mask.",
    )
    code_lens: bool = _setting(
        "codeLens.enabled",
        False,
        _BOOLEAN,
        "Show the number of masks, and a button that fills them, above each passage.",
    )
    diagnostics: bool = _setting(
        "diagnostics.enabled",
        False,
        _BOOLEAN,
        "Mark words that are much less likely than the word that the model expects.",
    )
    diagnostics_threshold: float = _setting(
        "diagnostics.threshold",
        16.0,
        _number(0, 100),
        "The minimum difference in surprisal, in bits, between a marked word and the expected word.",
    )
    diagnostics_severity: str = _setting(
        "diagnostics.severity",
        "hint",
        _one_of("hint", "information"),
        "The severity of a marked word.",
    )
    diagnostics_minimum_length: int = _setting(
        "diagnostics.minimumLength",
        4,
        _integer(1, 100),
        "The minimum number of letters of a word that can be marked.",
    )
    diagnostics_languages: tuple[str, ...] = _setting(
        "diagnostics.languages",
        ("plaintext", "markdown", "latex", "restructuredtext", "git-commit", "html", "typst", "org", "asciidoc"),
        _language_ids(),
        "The languages in which words are marked, by their identifiers. An empty list means all; in code, only words in "
        "comments and strings are marked.",
    )
    max_subwords: int = _setting(
        "maxSubwords",
        4,
        _integer(1, SUBWORDS_LIMIT),
        "The maximum number of subwords in a suggested word. 1 suggests only words that are in the model's vocabulary.",
    )
    prose: str = _setting(
        "prose",
        "auto",
        _one_of("auto", "all"),
        "The part of a document that the model reads. auto reads text without its markup and, in code, comments and "
        "strings. all reads everything as is.",
    )
    context_tokens: int = _setting(
        "context.tokens",
        256,
        _integer(16, 8192),
        "The approximate number of tokens around a mask that the model reads, up to the model's own limit.",
    )


def merge_settings(settings: Settings, values: object, *, trusted: bool = True) -> tuple[Settings, list[str]]:
    """Return ``settings`` updated with the values that a client sent, and a message for each invalid value.

    An unknown name or an invalid value changes nothing. Neither does null, at the top level or as a value.

    Args:
        settings: the settings to update.
        values: an object with nested or dotted names, with or without the section ``fillmask`` around them.
        trusted: whether the values may change server-wide settings.
    """
    if values is None:
        return settings, []
    if not isinstance(values, Mapping):
        return settings, [
            f"The settings of {SECTION} must be an object, not {_quoted(values)}. No setting was changed."
        ]
    inner = values.get(SECTION, values)
    if inner is not values:
        return merge_settings(settings, inner, trusted=trusted)
    problems = []
    changes: dict[str, Any] = {}
    known = {setting.metadata["name"]: setting for setting in fields(Settings)}
    for name, value in _flatten(values, known):
        if name not in known:
            problems.append(f"{SECTION}.{_shorten(name)} is not a setting. The settings are {', '.join(known)}.")
            continue
        setting = known[name]
        current = getattr(settings, setting.name)
        value_type: ValueType = setting.metadata["type"]
        parsed = value_type.parse(value)
        if setting.metadata["server_wide"] and not trusted:
            if parsed != current:  # an editor may send the value that is in force
                problems.append(f"{SECTION}.{name} is ignored until the workspace is trusted. It stays {current!r}.")
        elif parsed is None:
            instead = f", not {_quoted(value)}" if value_type.may_quote else ""
            problems.append(f"{SECTION}.{name} must be {value_type.expected}{instead}. It stays {current!r}.")
        else:
            changes[setting.name] = parsed
    return replace(settings, **changes), problems


def merge_document_settings(settings: Settings, values: object) -> tuple[Settings, list[str]]:
    """Return one document's settings: as :func:`merge_settings`, but server-wide settings keep their values."""
    merged, problems = merge_settings(settings, values)
    server_wide = {each.name: getattr(settings, each.name) for each in fields(Settings) if each.metadata["server_wide"]}
    return replace(merged, **server_wide), problems


def schema() -> dict[str, dict[str, Any]]:
    """Return all settings by their full names, as the manifest of a VS Code extension describes them."""
    return {
        f"{SECTION}.{setting.metadata['name']}": {
            **setting.metadata["type"].schema,
            "default": list(setting.default) if isinstance(setting.default, tuple) else setting.default,
            "description": setting.metadata["description"],
            "scope": setting.metadata["scope"],
        }
        for setting in fields(Settings)
    }


def _flatten(values: Mapping[Any, Any], known: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested objects as pairs of dotted name and value, without nulls."""
    result: list[tuple[str, Any]] = []
    for key, value in values.items():
        name = f"{prefix}{key}".removeprefix(f"{SECTION}.")
        if value is None:
            continue
        if isinstance(value, Mapping) and name not in known:
            result += _flatten(value, known, f"{name}.")
        else:
            result.append((name, value))
    return result


def _quoted(value: object) -> str:
    return _shorten(repr(value))


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


if __name__ == "__main__":
    json.dump(schema(), sys.stdout, indent=2, ensure_ascii=False)
