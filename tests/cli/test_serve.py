"""``fillmask-ls serve``: what it refuses before it starts anything."""

from __future__ import annotations

import importlib.util
import socket

import pytest

from cli.in_process import RunCommand


@pytest.mark.parametrize(
    ("arguments", "token", "message"),
    [
        (["--listen", "0.0.0.0:8000"], None, "Set FILLMASK_TOKEN to a secret that clients must send"),
        (["--listen", "8000"], "two words", "FILLMASK_TOKEN must be a text of visible characters"),
        (["--ray", "auto", "--replicas", "3-2"], None, "'3-2' is not a number or a range"),
        (["--ray", "auto", "--replicas", "many"], None, "'many' is not a number"),
        (["--ray", "auto", "--workers", "2"], None, "--workers is for one machine: on a cluster, choose --replicas"),
        (["--workers", "0"], None, "--workers"),
        (["--replicas", "2"], None, "--replicas and --allow-open-cluster are for a cluster: add --ray"),
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


def test_port_in_use_is_reported_before_the_model_is_loaded(run: RunCommand) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("serve", "--listen", str(port), "--model", "embedded")
    assert (result.code, result.out) == (2, "")
    assert f"can't listen at 127.0.0.1:{port}" in result.err


@pytest.mark.parametrize(
    ("arguments", "module", "extra"), [([], "uvicorn", "serve"), (["--ray", "auto"], "ray", "cluster")]
)
def test_missing_extra_is_named(
    run: RunCommand, arguments: list[str], module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == module else find(name, *rest))
    result = run("serve", *arguments)
    assert (result.code, f"pip install '.[{extra}]'" in result.err) == (2, True)
