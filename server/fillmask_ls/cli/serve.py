"""``fillmask-ls serve``: run a shared engine for the language servers of a team, on Ray Serve."""

from __future__ import annotations

import argparse
import os

from .arguments import Commands, address, count, count_range
from .errors import CommandError, ExitCode
from .input_output import check_standard_output, standard_output
from .models import find_model


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "serve",
        help="run a shared engine for a team, over HTTP (needs the extra 'cluster')",
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
    parser.add_argument(
        "--replicas",
        metavar="N[-M]",
        type=count_range,
        default=(1, 1),
        help="number of processes that hold the model; with a range, as many as the load needs (default: 1)",
    )
    parser.add_argument("--cpus", metavar="N", type=count, default=1, help="processor cores a replica (default: 1)")
    parser.add_argument(
        "--device", default="auto", help="auto, cpu or cuda; auto gives each replica a GPU if the cluster has some"
    )
    parser.add_argument(
        "--dtype",
        choices=["auto", "float32", "bfloat16", "float16"],
        default="auto",
        help="precision of the weights; auto uses bfloat16 where it is native (default: auto)",
    )
    parser.add_argument("--address", help="address of a Ray cluster to join, or auto (default: start one here)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until the process is told to end."""
    from importlib.util import find_spec

    from fillmask_ls.engine.http_client import usable_token
    from fillmask_ls.engine.service import digest
    from fillmask_ls.settings import is_loopback

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
    if find_spec("ray") is None:
        raise CommandError("serve needs an extra: pip install 'fillmask-ls[cluster]'", ExitCode.USAGE)
    find_model(options.model)
    from fillmask_ls.engine.cluster import Served, serve_until_told

    served = Served(
        model=options.model,
        device=options.device,
        dtype=options.dtype,
        host=host,
        port=port,
        token=token and digest(token.strip()),
        replicas=options.replicas,
        cpus=options.cpus,
        gpus=0 if options.device == "cpu" else None,
        address=options.address,
    )
    shown_host = f"[{host}]" if ":" in host else host

    def report_ready() -> None:
        with standard_output():
            print(f"serving at http://{shown_host}:{port}")

    try:
        serve_until_told(served, report_ready)
    except ConnectionError as error:
        raise CommandError(
            f"can't join a Ray cluster at {options.address}. Check that the address is right, that the cluster runs, and "
            "that this machine has its token (RAY_AUTH_MODE=token).",
            ExitCode.USAGE,
        ) from error
    return ExitCode.OK
