"""``fillmask-ls serve``: run a shared engine for the language servers of a team, on this machine or on a Ray cluster."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from .arguments import Commands, address, count, count_range
from .errors import CommandError, ExitCode, missing_extra
from .input_output import check_standard_output, standard_output
from .models import find_model

if TYPE_CHECKING:
    from fillmask_ls.engine.serving.http_server import ServeOptions


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "serve",
        help="run a shared engine for a team, over HTTP (needs the extra 'serve')",
        description="Serve the model to language servers whose setting fillmask.engine.url names this machine. "
        "To listen beyond this machine, set the environment variable FILLMASK_TOKEN to a secret that clients must send.",
    )
    parser.add_argument(
        "--model", default="auto", help="auto, embedded, a folder or a Hugging Face hub id (default: auto)"
    )
    parser.add_argument(
        "--listen",
        metavar="[HOST:]PORT",
        type=address,
        default=("127.0.0.1", 8000),
        help="address for requests (default: 127.0.0.1:8000)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or another torch device (default: auto)")
    parser.add_argument(
        "--dtype",
        choices=["auto", "float32", "bfloat16", "float16"],
        default="auto",
        help="precision of the weights; auto uses bfloat16 where it is native (default: auto)",
    )
    parser.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="serve requests to this host name too, as a proxy in front sends them; by default only to localhost and IP "
        "addresses. Can be repeated; * for any",
    )
    parser.add_argument(
        "--allow-origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="let web pages of this origin ask, such as https://example.org; by default pages are refused. Can be repeated; "
        "* for any",
    )
    parser.add_argument(
        "--cpus",
        metavar="N",
        type=count,
        help="processor cores for a model (default: all, shared by the workers; on a cluster 1 for each replica)",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=count,
        default=1,
        help="processes with a model each, which share the port; on two cores, two serve 1.3 times as many people as one "
        "(default: 1)",
    )
    cluster = parser.add_argument_group("Ray cluster (needs the extra 'cluster')")
    cluster.add_argument("--ray", metavar="ADDRESS", help="serve on the running Ray cluster at this address, or auto")
    cluster.add_argument(
        "--replicas",
        metavar="N[-M]",
        type=count_range,
        help="number of processes that hold the model; with a range, as many as the load needs (default: 1)",
    )
    cluster.add_argument(
        "--allow-open-cluster",
        action="store_true",
        help="serve also on a cluster without Ray's token authentication, where anyone who reaches its ports can run code",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until the process is told to end."""
    from fillmask_ls.engine.http_client import usable_token
    from fillmask_ls.setting_types import is_loopback

    check_standard_output()
    host, port = options.listen
    token = os.environ.get("FILLMASK_TOKEN")
    if token is not None and usable_token(token) is None:
        raise CommandError("FILLMASK_TOKEN must be a text of visible characters", ExitCode.USAGE)
    if token is None and not is_loopback(host):
        raise CommandError(
            f"{host} is reachable from other machines. Set FILLMASK_TOKEN to a secret that clients must send.",
            ExitCode.USAGE,
        )
    if options.ray is None and (options.replicas or options.allow_open_cluster):
        raise CommandError("--replicas and --allow-open-cluster are for a cluster: add --ray", ExitCode.USAGE)
    if options.ray is not None and options.workers > 1:
        raise CommandError("--workers is for one machine: on a cluster, choose --replicas", ExitCode.USAGE)
    module, extra = ("uvicorn", "serve") if options.ray is None else ("ray", "cluster")
    if importlib.util.find_spec(module) is None:
        raise missing_extra("serve", extra)
    ready = partial(_report_ready, find_model(options.model).name, host, needs_token=token is not None)
    serve_options = _serve_options(options, token)

    if options.ray is None:
        _serve_here(serve_options, host, port, options.workers, ready)
    else:
        _serve_on_cluster(serve_options, options, partial(ready, port))
    return ExitCode.OK


def _serve_options(options: argparse.Namespace, token: str | None) -> ServeOptions:
    from fillmask_ls.engine.serving.front_door import Policy, digest
    from fillmask_ls.engine.serving.http_server import ServeOptions

    policy = Policy(
        token=token and digest(token.strip()),
        hosts=frozenset(host.lower().rstrip(".") for host in [*options.allow_host, options.listen[0]]),
        origins=frozenset(origin.rstrip("/") for origin in options.allow_origin),
    )
    return ServeOptions(options.model, options.device, options.dtype, cpus=options.cpus, policy=policy)


def _report_ready(model: str, host: str, port: int, *, needs_token: bool) -> None:
    access = "token needed" if needs_token else "no token needed"
    with standard_output():
        print(f"serving {model} ({access}) at http://{f'[{host}]' if ':' in host else host}:{port}")


def _serve_here(serve_options: ServeOptions, host: str, port: int, count: int, ready: Callable[[int], None]) -> None:
    from fillmask_ls.engine.api import EngineError
    from fillmask_ls.engine.serving import http_server, workers

    try:
        bound = http_server.bind(host, port)
    except OSError as error:
        raise CommandError(f"can't listen at {host}:{port}: {error.strerror or error}", ExitCode.USAGE) from error
    bound_port = bound.getsockname()[1]  # another one than 0
    try:
        if count == 1:
            http_server.serve_until_signal(serve_options, bound, partial(ready, bound_port))
        else:
            workers.serve_until_signal(serve_options, bound, partial(ready, bound_port), count=count)
    except EngineError as error:
        raise CommandError(str(error), ExitCode.NO_MODEL) from error


def _serve_on_cluster(serve_options: ServeOptions, options: argparse.Namespace, ready: Callable[[], None]) -> None:
    from fillmask_ls.engine.serving.cluster import Deployment, OpenClusterError, serve_until_signal

    host, port = options.listen
    deployment = Deployment(
        serve_options,
        address=options.ray,
        host=host,
        port=port,
        replicas=options.replicas or (1, 1),
        cpus=options.cpus or 1,
        gpus=0 if options.device == "cpu" else None,
    )
    try:
        serve_until_signal(deployment, ready, allow_open=options.allow_open_cluster)
    except OpenClusterError as error:
        raise CommandError(
            "this Ray cluster has no token authentication: anyone who reaches its ports can run code. Start it with "
            "RAY_AUTH_MODE=token, or add --allow-open-cluster if nobody else reaches them.",
            ExitCode.USAGE,
        ) from error
    except ConnectionError as error:
        raise CommandError(
            f"can't join a Ray cluster at {options.ray}. Check that the address is right, that the cluster runs, and "
            "that this machine has its token (RAY_AUTH_MODE=token).",
            ExitCode.USAGE,
        ) from error
