"""The validation of settings; ``tests/lsp`` tests how clients send them."""

from __future__ import annotations

from dataclasses import fields

import pytest

from fillmask_ls.settings import Settings, merge_document_settings, merge_settings, schema


def test_every_default_is_valid() -> None:
    for setting in fields(Settings):
        assert setting.metadata["type"].parse(setting.default) == setting.default, setting.name


@pytest.mark.parametrize(
    "values",
    [
        {"fillmask": {"completion": {"topK": 3}}},
        {"completion": {"topK": 3}},
        {"completion.topK": 3},
        {"fillmask.completion.topK": 3},
        {"fillmask": {"completion.topK": 3, "model": None}},
    ],
)
def test_names_are_nested_or_dotted_with_or_without_section(values: object) -> None:
    settings, problems = merge_settings(Settings(), values)
    assert (settings, problems) == (Settings(completion_top_k=3), [])


def test_one_wrong_value_does_not_stop_the_others() -> None:
    settings, problems = merge_settings(Settings(hover_top_k=7), {"hover": {"topK": "x", "words": True}, "color": 1})
    assert settings == Settings(hover_top_k=7, hover_words=True)
    assert problems[0] == "fillmask.hover.topK must be a whole number from 1 to 100, not 'x'. Using 7."
    assert problems[1].startswith("fillmask.color is not a setting. The settings are model, ")
    assert len(problems) == 2


def test_a_message_quotes_the_beginning_of_a_long_value() -> None:
    _, [problem] = merge_settings(Settings(), {"prose": "x" * 1000})
    assert len(problem) < 150


def test_a_message_never_quotes_an_engine_url() -> None:
    _, [problem] = merge_settings(Settings(), {"engine.url": "https://user:secret@example.org"})
    assert "secret" not in problem


def test_numbers_become_floats_and_names_lose_their_blanks() -> None:
    settings, problems = merge_settings(Settings(), {"diagnostics.threshold": 3, "model": " embedded "})
    assert problems == []
    assert (type(settings.diagnostics_threshold), settings.model) == (float, "embedded")


def test_untrusted_values_cannot_change_server_wide_settings() -> None:
    current = Settings(model="mine")
    values = {"model": "theirs", "device": "auto", "completion.topK": 3}  # auto is in force already
    settings, problems = merge_settings(current, values, trusted=False)
    assert settings == Settings(model="mine", completion_top_k=3)
    assert problems == ["fillmask.model is ignored until the workspace is trusted. It stays 'mine'."]


def test_document_settings_keep_server_wide_settings() -> None:
    settings, problems = merge_document_settings(Settings(model="mine"), {"model": "theirs", "completion.topK": 3})
    assert (settings, problems) == (Settings(model="mine", completion_top_k=3), [])


def test_schema_describes_every_setting_in_a_sentence() -> None:
    assert len(schema()) == len(fields(Settings))
    for name, setting in schema().items():
        assert name.startswith("fillmask.")
        assert setting["description"].endswith((".", "'."))
        assert setting["scope"] in ("resource", "machine", "machine-overridable")
