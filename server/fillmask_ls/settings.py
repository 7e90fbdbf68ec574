"""Every setting once: its name, type, default and meaning, and the border where a client's values are checked."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

SECTION = "fillmask"

_NAME = re.compile(r"[a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class _Kind:
    """What values a setting takes.

    Attributes:
        schema: in JSON Schema, for the manifests of editors.
        wanted: in words, for the user who gave something else.
        checked: the value as the server uses it; None if it is none of these.
        quoted: whether a wrong value may be shown: an address can hold a password.
    """

    schema: Mapping[str, Any]
    wanted: str
    checked: Callable[[object], Any]
    quoted: bool = True


def _text(wanted: str) -> _Kind:
    def checked(value: object) -> str | None:
        return (value.strip() or None) if isinstance(value, str) else None

    return _Kind({"type": "string"}, f"a text: {wanted}", checked)


def _address(wanted: str) -> _Kind:
    def checked(value: object) -> str | None:
        if not isinstance(value, str):
            return None
        address = value.strip().rstrip("/")
        try:
            parts = urlsplit(address)
            _ = parts.port  # reading it checks it
        except ValueError:
            return None
        plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
        good = (parts.scheme == "https" or plain) and parts.hostname and parts.username is parts.password is None
        return address if not address or (good and not parts.query and not parts.fragment) else None

    return _Kind({"type": "string"}, wanted, checked, quoted=False)


def is_loopback(host: str) -> bool:
    """Whether a host of this name is this machine, whatever a name server says."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _name(wanted: str) -> _Kind:
    def checked(value: object) -> str | None:
        return value.strip() if isinstance(value, str) and _NAME.fullmatch(value.strip()) else None

    return _Kind({"type": "string"}, wanted, checked)


def _one_of(*values: str) -> _Kind:
    wanted = f"{', '.join(values[:-1])} or {values[-1]}"
    return _Kind({"type": "string", "enum": list(values)}, wanted, lambda value: value if value in values else None)


def _number(kind: str, article: str, types: tuple[type, ...], low: int, high: int) -> _Kind:
    def checked(value: object) -> Any:
        good = isinstance(value, types) and not isinstance(value, bool)
        return types[-1](value) if good and low <= value <= high else None  # type: ignore[operator]  # a number

    schema = {"type": kind, "minimum": low, "maximum": high}
    return _Kind(schema, f"{article} from {low} to {high}", checked)


def _whole(low: int, high: int) -> _Kind:
    return _number("integer", "a whole number", (int,), low, high)


def _names(wanted: str) -> _Kind:
    def checked(value: object) -> tuple[str, ...] | None:
        if not isinstance(value, (list, tuple)):
            return None
        return tuple(value) if all(isinstance(name, str) and name for name in value) else None

    return _Kind({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, wanted, checked)


_FLAG = _Kind({"type": "boolean"}, "true or false", lambda value: value if isinstance(value, bool) else None)


def _setting(
    name: str, default: Any, kind: _Kind, meaning: str, *, of_the_server: bool = False, of_the_user: bool = False
) -> Any:
    """A setting.

    Args:
        of_the_server: it holds for the whole server, not by document, and a workspace that the user doesn't trust has no
            say in it.
        of_the_user: moreover, an editor takes it from the user's own settings only, and from no workspace's.
    """
    of_the_server = of_the_server or of_the_user
    scope = "machine" if of_the_user else "machine-overridable" if of_the_server else "resource"
    return field(
        default=default,
        metadata={"name": name, "kind": kind, "meaning": meaning, "of_the_server": of_the_server, "scope": scope},
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one server, valid by construction through :func:`merged`."""

    model: str = _setting(
        "model",
        "auto",
        _text("auto, embedded, a folder or a Hugging Face hub id"),
        "The model. auto: bert-base-uncased if the Hugging Face cache holds it, else the embedded one.",
        of_the_server=True,
    )
    device: str = _setting(
        "device",
        "auto",
        _text("auto, cpu, cuda, cuda:0 or mps"),
        "Where the model runs. auto: the GPU if there is one.",
        of_the_server=True,
    )
    dtype: str = _setting(
        "dtype",
        "auto",
        _one_of("auto", "float32", "bfloat16", "float16"),
        "The weights' precision. auto: bfloat16 where the processor or GPU computes it natively, else float32.",
        of_the_server=True,
    )
    runtime: str = _setting(
        "runtime",
        "torch",
        _one_of("torch", "openvino"),
        "What computes the predictions. openvino: an optional extra, for the CPU.",
        of_the_server=True,
    )
    engine_url: str = _setting(
        "engine.url",
        "",
        _address("https://HOST, http:// to this machine, or empty; without a password, query or fragment"),
        "The address of a shared engine that answers instead of this machine. It reads your text. Empty: none.",
        of_the_user=True,
    )
    engine_provider: str = _setting(
        "engine.provider",
        "",
        _name("the name of a provider, such as hf-inference, or empty"),
        "The provider of the Hugging Face hub that answers instead of this machine. It reads your text. Empty: none.",
        of_the_user=True,
    )
    engine_fallback: bool = _setting(
        "engine.fallback",
        True,
        _FLAG,
        "Whether this machine answers while the shared engine can't.",
        of_the_user=True,
    )
    completion_top_k: int = _setting(
        "completion.topK",
        10,
        _whole(1, 100),
        "How many words a completion offers.",
    )
    hover_top_k: int = _setting(
        "hover.topK",
        5,
        _whole(1, 100),
        "How many words a hover shows.",
    )
    hover_words: bool = _setting(
        "hover.words",
        False,
        _FLAG,
        "Whether a hover on any word shows how surprising it is, and what the model would have said.",
    )
    hover_subwords: bool = _setting(
        "hover.subwords",
        False,
        _FLAG,
        "Whether a hover shows the pieces of the vocabulary that a word is made of, with their ids.",
    )
    inlay_hints: bool = _setting(
        "inlayHints.enabled",
        True,
        _FLAG,
        "Whether the best word and its probability are shown behind each mask.",
    )
    inline_completion: bool = _setting(
        "inlineCompletion.enabled",
        True,
        _FLAG,
        "Whether the best word is shown as ghost text at the mask with the cursor.",
    )
    code_lens: bool = _setting(
        "codeLens.enabled",
        False,
        _FLAG,
        "Whether a line above a passage with masks says how many they are and offers to fill them.",
    )
    diagnostics: bool = _setting(
        "diagnostics.enabled",
        False,
        _FLAG,
        "Whether words are marked that the model finds far less likely than what it expects.",
    )
    diagnostics_threshold: float = _setting(
        "diagnostics.threshold",
        16.0,
        _number("number", "a number", (int, float), 0, 100),
        "By how many bits a word must be less likely than the expected one to be marked.",
    )
    diagnostics_severity: str = _setting(
        "diagnostics.severity",
        "hint",
        _one_of("hint", "information"),
        "How a marked word is shown.",
    )
    diagnostics_minimum_length: int = _setting(
        "diagnostics.minimumLength",
        4,
        _whole(1, 100),
        "How many letters a word must have to be marked.",
    )
    diagnostics_languages: tuple[str, ...] = _setting(
        "diagnostics.languages",
        ("plaintext", "markdown", "latex", "restructuredtext", "git-commit", "html", "typst", "org", "asciidoc"),
        _names("a list of language identifiers"),
        "In which languages words are marked. An empty list: in all, of code in its comments and strings.",
    )
    max_subwords: int = _setting(
        "maxSubwords",
        4,
        _whole(1, 8),
        "How many pieces of the model's vocabulary a word may have. 1: only words that the model knows whole.",
    )
    prose: str = _setting(
        "prose",
        "auto",
        _one_of("auto", "all"),
        "What the model reads. auto: text without markup; of code, comments and strings. all: everything as it stands.",
    )
    context_tokens: int = _setting(
        "context.tokens",
        256,
        _whole(16, 8192),
        "About how many tokens around a mask the model reads, if it can read so many.",
    )


def merged(settings: Settings, values: object, *, trusted: bool = True) -> tuple[Settings, list[str]]:
    """``settings`` with a client's ``values`` laid over them.

    Args:
        values: what the client sent: nested or dotted names, with or without the section ``fillmask`` around them.
            A null, at the top or as a value, says nothing.
        trusted: whether the values may change what holds for the whole server: the model and where it runs.

    Returns:
        The new settings, and a sentence for each value that is wrong or unknown; where one is wrong, the old holds.
    """
    if values is None:
        return settings, []
    if not isinstance(values, Mapping):
        return settings, [f"The settings of {SECTION} must be an object, not {_shown(values)}; they were not changed."]
    inner = values.get(SECTION, values)
    if inner is not values:
        return merged(settings, inner, trusted=trusted)
    problems = []
    changes: dict[str, Any] = {}
    known = {setting.metadata["name"]: setting for setting in fields(Settings)}
    for name, value in _flat(values, known):
        if name not in known:
            problems.append(f"{SECTION}.{_cut(name)} is not a setting; there are {', '.join(known)}.")
            continue
        setting = known[name]
        kind: _Kind = setting.metadata["kind"]
        checked = kind.checked(value)
        if setting.metadata["of_the_server"] and not trusted:
            if checked != getattr(settings, setting.name):  # an editor may send what holds anyway
                problems.append(
                    f"{SECTION}.{name} is not taken while the workspace is not trusted; "
                    f"{getattr(settings, setting.name)!r} holds."
                )
        elif checked is None:
            problems.append(
                f"{SECTION}.{name} must be {kind.wanted}{f', not {_shown(value)}' if kind.quoted else ''}; "
                f"{getattr(settings, setting.name)!r} holds."
            )
        else:
            changes[setting.name] = checked
    return replace(settings, **changes), problems


def of_a_document(settings: Settings, values: object) -> tuple[Settings, list[str]]:
    """The settings of one document: as :func:`merged`, but what holds for the whole server stays as it is."""
    own, problems = merged(settings, values)
    shared = {each.name: getattr(settings, each.name) for each in fields(Settings) if each.metadata["of_the_server"]}
    return replace(own, **shared), problems


def schema() -> dict[str, dict[str, Any]]:
    """Every setting by its full name, as a VS Code extension's manifest describes it."""
    return {
        f"{SECTION}.{setting.metadata['name']}": {
            **setting.metadata["kind"].schema,
            "default": list(setting.default) if isinstance(setting.default, tuple) else setting.default,
            "description": setting.metadata["meaning"],
            "scope": setting.metadata["scope"],
        }
        for setting in fields(Settings)
    }


def _flat(values: Mapping[Any, Any], known: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested objects to dotted names; nulls left out."""
    result: list[tuple[str, Any]] = []
    for key, value in values.items():
        name = f"{prefix}{key}".removeprefix(f"{SECTION}.")
        if value is None:
            continue
        if isinstance(value, Mapping) and name not in known:
            result += _flat(value, known, f"{name}.")
        else:
            result.append((name, value))
    return result


def _shown(value: object) -> str:
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


if __name__ == "__main__":
    json.dump(schema(), sys.stdout, indent=2, ensure_ascii=False)
