"""Every setting: name, type, default and description, and the validation of the values that a client sends.

The manifest of the VS Code extension and ``server/docs/settings.md`` are generated from here. ``python -m
fillmask_ls.settings`` prints all settings as JSON Schema.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from . import setting_types
from .words import SUBWORDS_LIMIT

SECTION = "fillmask"

_PROSE_LANGUAGES = (
    "plaintext", "markdown", "latex", "restructuredtext", "git-commit", "html", "typst", "org", "asciidoc",
)  # fmt: skip


def _setting(
    name: str,
    default: Any,
    value_type: setting_types.ValueType,
    title: str,
    details: str = "",
    *,
    server_wide: bool = False,
    user_only: bool = False,
) -> Any:
    """Declare a setting.

    Args:
        title: what the setting does, in one line that a writer understands, with the field's term in brackets.
        details: more about it.
        server_wide: one value holds for the whole server, not one per document, and an untrusted workspace cannot
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
            "description": f"{title} {details}".strip(),
            "server_wide": server_wide,
            "scope": scope,
        },
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the server or of one document, in the order in which a writer wants to read them.

    :func:`merge_settings` validates what a client sends.
    """

    model: str = _setting(
        "model",
        "auto",
        setting_types.free_text("auto, embedded, a folder or a Hugging Face hub id"),
        "The language model that suggests words (masked language model).",
        "auto: BERT (bert-base-uncased) if it is downloaded, otherwise the small built-in model. embedded: the small built-in "
        "model. Or a folder, or a model of the Hugging Face hub such as google-bert/bert-base-uncased.",
        server_wide=True,
    )
    completion_top_k: int = _setting(
        "completion.topK",
        10,
        setting_types.integer(1, 100),
        "How many words a list shows (completion).",
    )
    completion_without_mask: str = _setting(
        "completion.withoutMask",
        "asked",
        setting_types.one_of("asked", "never", "always"),
        "Suggest words anywhere in a text, without a [MASK] (completion).",
        "asked: when you ask, as with Ctrl+Space. always: also while you type, in the languages of "
        "completion.withoutMaskLanguages. Nothing is suggested in code outside comments and strings.",
    )
    completion_without_mask_languages: tuple[str, ...] = _setting(
        "completion.withoutMaskLanguages",
        _PROSE_LANGUAGES,
        setting_types.language_ids(),
        "Kinds of documents in which words are suggested while you type (language identifiers).",
        "Only used if completion.withoutMask is always. An empty list means all.",
    )
    inlay_hints: bool = _setting(
        "inlayHints.enabled",
        True,
        setting_types.BOOLEAN,
        "Show the best word and its probability after each [MASK] (inlay hints).",
    )
    inlay_hints_minimum: float = _setting(
        "inlayHints.minimum",
        10.0,
        setting_types.number(0, 100),
        "Hide words below this probability, in percent (inlay hints).",
    )
    inline_completion: bool = _setting(
        "inlineCompletion.enabled",
        True,
        setting_types.BOOLEAN,
        "Show the best word in gray at the cursor (ghost text).",
    )
    hover_top_k: int = _setting(
        "hover.topK",
        5,
        setting_types.integer(1, 100),
        "How many words a hover shows.",
    )
    hover_words: bool = _setting(
        "hover.words",
        False,
        setting_types.BOOLEAN,
        "Show how unusual a word is, and what would be expected, when you point at it (surprisal).",
    )
    hover_subwords: bool = _setting(
        "hover.subwords",
        False,
        setting_types.BOOLEAN,
        "Show the parts that a word is made of, with their numbers in the vocabulary, in a hover (subwords).",
    )
    code_lens: bool = _setting(
        "codeLens.enabled",
        False,
        setting_types.BOOLEAN,
        "Show a link above each paragraph with blanks; a click fills them (code lens).",
    )
    diagnostics: bool = _setting(
        "diagnostics.enabled",
        False,
        setting_types.BOOLEAN,
        "Underline words that don't seem to fit, and gaps where a word seems to be missing (diagnostics).",
    )
    diagnostics_languages: tuple[str, ...] = _setting(
        "diagnostics.languages",
        _PROSE_LANGUAGES,
        setting_types.language_ids(),
        "Kinds of documents in which words are underlined (language identifiers).",
        "An empty list means all; in code, only words in comments and strings are underlined.",
    )
    diagnostics_threshold: float = _setting(
        "diagnostics.threshold",
        20.0,
        setting_types.number(0, 100),
        "Underline a word if its surprisal exceeds the expected word's by this many bits.",
        "A lower value underlines more words. Words that people confuse are underlined from a fifth of this value, mistyped and missing words from two fifths.",
    )
    diagnostics_severity: str = _setting(
        "diagnostics.severity",
        "information",
        setting_types.one_of("hint", "information"),
        "How an underlined word is shown (severity).",
        "Most editors show hints as three dots only.",
    )
    diagnostics_minimum_length: int = _setting(
        "diagnostics.minimumLength",
        4,
        setting_types.integer(1, 100),
        "Words with fewer letters are never underlined.",
    )
    max_subwords: int = _setting(
        "maxSubwords",
        4,
        setting_types.integer(1, SUBWORDS_LIMIT),
        "How long and rare suggested words may be (subwords).",
        "A rare word consists of several parts of the model's vocabulary. 1 suggests only words that are one part.",
    )
    prose: str = _setting(
        "prose",
        "auto",
        setting_types.one_of("auto", "all"),
        "Which part of a document is read (prose).",
        "auto: text without its markup and, in code, comments and strings. all: everything as is.",
    )
    context_tokens: int = _setting(
        "context.tokens",
        256,
        setting_types.integer(16, 8192),
        "How much text around a blank is read (tokens, about three quarters of a word each).",
        "The model has a limit of its own.",
    )
    engine_url: str = _setting(
        "engine.url",
        "",
        setting_types.engine_url(),
        "The address of a server that runs the model instead of this machine (shared engine).",
        "Your text is sent there. Empty: none.",
        user_only=True,
    )
    engine_provider: str = _setting(
        "engine.provider",
        "",
        setting_types.provider_name(),
        "The inference provider that runs the model, for example hf-inference (Hugging Face).",
        "Your text is sent there. Empty: none.",
        user_only=True,
    )
    engine_fallback: bool = _setting(
        "engine.fallback",
        True,
        setting_types.BOOLEAN,
        "Use this machine while the shared engine does not answer.",
        user_only=True,
    )
    device: str = _setting(
        "device",
        "auto",
        setting_types.free_text("auto, cpu, cuda, cuda:0 or mps"),
        "The processor that runs the model (device).",
        "auto, cpu, cuda, cuda:0 or mps. auto uses the graphics processor if there is one.",
        server_wide=True,
    )
    dtype: str = _setting(
        "dtype",
        "auto",
        setting_types.one_of("auto", "float32", "bfloat16", "float16"),
        "How precisely the model computes (data type).",
        "auto uses bfloat16 where the device supports it natively, otherwise float32.",
        server_wide=True,
    )
    runtime: str = _setting(
        "runtime",
        "torch",
        setting_types.one_of("torch", "openvino"),
        "The library that runs the model.",
        "openvino runs on the CPU only and needs the extra 'openvino'.",
        server_wide=True,
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
        value_type: setting_types.ValueType = setting.metadata["type"]
        parsed = value_type.parse(value)
        if setting.metadata["server_wide"] and not trusted:
            if parsed != current:  # an editor may send the value that is in force
                problems.append(f"{SECTION}.{name} is ignored until the workspace is trusted. It stays {current!r}.")
        elif parsed is None:
            instead = f", not {_quoted(value)}" if value_type.may_quote else ""
            problems.append(f"{SECTION}.{name} must be {value_type.expected}{instead}. Using {current!r}.")
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
            "order": order,
        }
        for order, setting in enumerate(fields(Settings), 1)
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
