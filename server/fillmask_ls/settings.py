"""Every setting once: its name, type, default and meaning, and the border where a client's values are checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

SECTION = "fillmask"

_MOST_WORDS = 100
_TOKENS = range(16, 8193)
_PIECES = range(1, 9)
_PROSE = ("auto", "all")
_DTYPES = ("auto", "float32", "bfloat16", "float16")
_LENGTHS = range(1, 101)
_SEVERITIES = ("hint", "information")
_TRUE_OR_FALSE = "true or false"
_RUNTIMES = ("torch", "openvino")


def _text(value: object) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() else None


def _whole(value: object, allowed: range) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value in allowed else None


def _count(value: object) -> int | None:
    return _whole(value, range(1, _MOST_WORDS + 1))


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _bits(value: object) -> float | None:
    return (
        float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 100 else None
    )


def _names(value: object) -> tuple[str, ...] | None:
    good = isinstance(value, (list, tuple)) and all(isinstance(name, str) and name for name in value)
    return tuple(value) if good and isinstance(value, (list, tuple)) else None


def _setting(
    name: str, default: Any, check: Callable[[object], Any], wanted: str, meaning: str, *, restricted: bool = False
) -> Any:
    """``restricted``: a workspace that the user doesn't trust has no say in it."""
    metadata = {"name": name, "check": check, "wanted": wanted, "meaning": meaning, "restricted": restricted}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one server, valid by construction through :func:`merged`."""

    model: str = _setting(
        "model",
        "auto",
        _text,
        "a text: auto, embedded, a folder or a Hugging Face hub id",
        "The model. auto: bert-base-uncased if the Hugging Face cache holds it, else the embedded one.",
        restricted=True,
    )
    device: str = _setting(
        "device",
        "auto",
        _text,
        "a text: auto, cpu, cuda, cuda:0 or mps",
        "Where the model runs. auto: the GPU if there is one.",
        restricted=True,
    )
    dtype: str = _setting(
        "dtype",
        "auto",
        lambda value: value if value in _DTYPES else None,
        "auto, float32, bfloat16 or float16",
        "The weights' precision. auto: bfloat16 where the processor or GPU computes it natively, else float32.",
    )
    runtime: str = _setting(
        "runtime",
        "torch",
        lambda value: value if value in _RUNTIMES else None,
        "torch or openvino",
        "What computes the predictions. openvino: an optional extra, for the CPU.",
        restricted=True,
    )
    completion_top_k: int = _setting(
        "completion.topK",
        10,
        _count,
        f"a whole number from 1 to {_MOST_WORDS}",
        "How many words a completion offers.",
    )
    hover_top_k: int = _setting(
        "hover.topK",
        5,
        _count,
        f"a whole number from 1 to {_MOST_WORDS}",
        "How many words a hover shows.",
    )
    hover_words: bool = _setting(
        "hover.words",
        False,
        _flag,
        _TRUE_OR_FALSE,
        "Whether a hover on any word shows how surprising it is, and what the model would have said.",
    )
    hover_pieces: bool = _setting(
        "hover.pieces",
        False,
        _flag,
        _TRUE_OR_FALSE,
        "Whether a hover shows the pieces of the vocabulary that a word is made of, with their ids.",
    )
    inlay_hints: bool = _setting(
        "inlayHints.enabled",
        True,
        _flag,
        _TRUE_OR_FALSE,
        "Whether the best word and its probability are shown behind each mask.",
    )
    inline_completion: bool = _setting(
        "inlineCompletion.enabled",
        True,
        _flag,
        _TRUE_OR_FALSE,
        "Whether the best word is shown as ghost text at the mask with the cursor.",
    )
    code_lens: bool = _setting(
        "codeLens.enabled",
        False,
        _flag,
        _TRUE_OR_FALSE,
        "Whether a line above a passage with masks says how many they are and offers to fill them.",
    )
    diagnostics: bool = _setting(
        "diagnostics.enabled",
        False,
        _flag,
        _TRUE_OR_FALSE,
        "Whether words are marked that the model finds far less likely than what it expects.",
    )
    diagnostics_threshold: float = _setting(
        "diagnostics.threshold",
        16.0,
        _bits,
        "a number from 0 to 100",
        "By how many bits a word must be less likely than the expected one to be marked.",
    )
    diagnostics_severity: str = _setting(
        "diagnostics.severity",
        "hint",
        lambda value: value if value in _SEVERITIES else None,
        "hint or information",
        "How a marked word is shown.",
    )
    diagnostics_minimum_length: int = _setting(
        "diagnostics.minimumLength",
        4,
        lambda value: _whole(value, _LENGTHS),
        f"a whole number from {_LENGTHS.start} to {_LENGTHS.stop - 1}",
        "How many letters a word must have to be marked.",
    )
    diagnostics_languages: tuple[str, ...] = _setting(
        "diagnostics.languages",
        ("plaintext", "markdown", "latex", "restructuredtext", "git-commit", "html", "typst", "org", "asciidoc"),
        _names,
        "a list of language identifiers",
        "In which languages words are marked. An empty list: in all, of code in its comments and strings.",
    )
    max_pieces: int = _setting(
        "maxPieces",
        4,
        lambda value: _whole(value, _PIECES),
        f"a whole number from {_PIECES.start} to {_PIECES.stop - 1}",
        "How many pieces of the model's vocabulary a word may have. 1: only words that the model knows whole.",
    )
    prose: str = _setting(
        "prose",
        "auto",
        lambda value: value if value in _PROSE else None,
        "auto or all",
        "What the model reads. auto: text without markup; of code, comments and strings. all: everything as it stands.",
    )
    context_tokens: int = _setting(
        "context.tokens",
        256,
        lambda value: _whole(value, _TOKENS),
        f"a whole number from {_TOKENS.start} to {_TOKENS.stop - 1}",
        "About how many tokens around a mask the model reads, if it can read so many.",
    )


def merged(settings: Settings, values: object, *, trusted: bool = True) -> tuple[Settings, list[str]]:
    """``settings`` with a client's ``values`` laid over them.

    Args:
        values: what the client sent: nested or dotted names, with or without the section ``fillmask`` around them.
            A null, at the top or as a value, says nothing.
        trusted: whether the values may choose a model, a device or a runtime.

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
            problems.append(f"{SECTION}.{name} is not a setting; there are {', '.join(known)}.")
            continue
        setting = known[name]
        checked = setting.metadata["check"](value)
        if setting.metadata["restricted"] and not trusted:
            problems.append(
                f"{SECTION}.{name} is not taken while the workspace is not trusted; "
                f"{getattr(settings, setting.name)!r} holds."
            )
        elif checked is None:
            problems.append(
                f"{SECTION}.{name} must be {setting.metadata['wanted']}, not {_shown(value)}; "
                f"{getattr(settings, setting.name)!r} holds."
            )
        else:
            changes[setting.name] = checked
    return replace(settings, **changes), problems


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
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
