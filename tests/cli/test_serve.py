"""``fillmask-ls serve``: what it refuses before it starts anything."""

from __future__ import annotations

import pytest

from cli.in_process import RunCommand


@pytest.mark.parametrize(
    ("arguments", "token", "message"),
    [
        (["--listen", "0.0.0.0:8000"], None, "Set FILLMASK_TOKEN to a secret that clients must send"),
        (["--listen", "8000"], "two words", "FILLMASK_TOKEN must be a text of visible characters"),
        (["--replicas", "3-2"], None, "'3-2' is not a number or a range"),
        (["--replicas", "many"], None, "'many' is not a number"),
    ],
)
def test_serve_reports_what_is_wrong_without_quoting_the_token(
    run: RunCommand, arguments: list[str], token: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FILLMASK_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("FILLMASK_TOKEN", token)
    result = run("serve", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert token is None or token not in result.err
