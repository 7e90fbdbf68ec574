"""The container of the shared engine and its manifests, as far as they can be checked without building and running them."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from fillmask_ls.cli import serve

ROOT = Path(__file__).parent.parent
CONTAINERFILE = ROOT / "server" / "Containerfile"
MANIFEST = ROOT / "server" / "kubernetes.yaml"
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in CONTAINERFILE.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]
COMPOSE = (ROOT / "server" / "compose.yaml").read_text(encoding="utf-8")


def values(instruction: str) -> list[str]:
    return [value for name, value in INSTRUCTIONS if name == instruction]


def test_container_copies_files_that_exist_and_that_are_sent_to_the_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [path for value in values("COPY") if "--from" not in value for path in shlex.split(value)[:-1]]
    assert copied
    for path in copied:
        assert (ROOT / path).exists()
        assert f"!{path}" in ignored


def test_container_runs_as_an_unprivileged_user_with_valid_options() -> None:
    [user] = values("USER")
    assert int(user) > 0
    [entry_point] = values("ENTRYPOINT")
    program, command, *options = json.loads(entry_point)
    assert (Path(program).name, command) == ("fillmask-ls", "serve")
    [of_compose] = [line.partition(":")[2] for line in COMPOSE.splitlines() if "--allow-host" in line]
    parser = argparse.ArgumentParser()
    serve.add_parser(parser.add_subparsers())
    parsed = parser.parse_args([command, *options, *json.loads(of_compose)])
    assert parsed.listen == ("0.0.0.0", 8000)
    assert parsed.allow_host


def test_engine_of_the_compose_file_is_confined_and_needs_a_token() -> None:
    engine = COMPOSE[COMPOSE.index("  engine:") : COMPOSE.index("  caddy:")]
    for line in ("read_only: true", 'cap_drop: ["ALL"]', "no-new-privileges:true", '"${FILLMASK_TOKEN:?}"'):
        assert line in engine
    assert "ports:" not in engine


def test_manifest_for_kubernetes_has_valid_options_and_no_privileges() -> None:
    deployment, service = yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8"))
    pod = deployment["spec"]["template"]
    [container] = pod["spec"]["containers"]
    parser = argparse.ArgumentParser()
    serve.add_parser(parser.add_subparsers())
    parser.parse_args(["serve", *container["args"]])
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert [each["name"] for each in container["env"]] == ["FILLMASK_TOKEN"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()


@pytest.mark.skipif(not shutil.which("kubernetes-validate"), reason="needs kubernetes-validate")
def test_manifest_for_kubernetes_fits_its_schema() -> None:
    subprocess.run(["kubernetes-validate", "--strict", str(MANIFEST)], check=True)


@pytest.mark.skipif(not shutil.which("hadolint"), reason="needs hadolint")
def test_linter_of_containers_finds_nothing() -> None:
    subprocess.run(["hadolint", str(CONTAINERFILE)], check=True)
