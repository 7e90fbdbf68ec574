"""Answer items on a Ray cluster: the only module of the command line that imports Ray.

One task reads the batches on this machine, with the code of a run without a cluster, an actor for each core or GPU of the
cluster answers them, and this process takes the answers in the order of the input. Ray computes the batch of a killed actor
again. Needs the extra ``cluster``.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..errors import CommandError, ExitCode, missing_extra
from .answering import Answerer
from .items import Item
from .records import Answer

if TYPE_CHECKING:
    from ray.data import Dataset

ReadBatches = Callable[[], Iterator[list[Item]]]
"""Returns the batches to answer. It is sent to another process."""

Answered = tuple[list[Item], list[Sequence[Answer]]]
"""The items of a batch, and the answers for each."""

_COLUMN = "pickled"
"""The column of the datasets. Each row is a batch, or the arguments of a CommandError."""


def answer_on_cluster(address: str, read: ReadBatches, answerer: Answerer, *, device: str) -> Iterator[Answered]:
    """Yield the batches with their answers, in order.

    Args:
        address: of an existing cluster that this machine belongs to: ``auto`` or ``HOST:PORT``.
        read: returns the batches.
        answerer: answers a batch; each actor loads its own model.
        device: where models run; GPUs are used if it is ``auto`` or ``cuda``.

    Raises:
        CommandError: Ray is not installed, there is no such cluster, or a batch can't be read or answered.
    """
    if find_spec("ray") is None:
        raise missing_extra("--ray", "cluster")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    from fillmask_ls.engine.serving.cluster import check_reachable

    try:
        check_reachable(address)
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise CommandError(
            f"there is no Ray cluster at {address}: {reason}. Check the address; --ray starts no cluster",
            ExitCode.USAGE,
        ) from error
    try:
        for row in _dataset(read, answerer, device).iter_rows():
            batch = pickle.loads(row[_COLUMN])  # noqa: S301 - from the user's own cluster
            if isinstance(batch, CommandError):
                raise batch
            yield batch
    finally:
        ray.shutdown()


def _dataset(read: ReadBatches, answerer: Answerer, device: str) -> Dataset:
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.target_max_block_size = 1  # a batch a block: otherwise Ray gives many batches to one actor
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    this_machine = {f"node:{ray.util.get_node_ip_address()}": 0.001}  # the files may be here only
    batches = ray.data.read_datasource(_source(read), override_num_blocks=1, num_cpus=0, resources=this_machine)
    resources = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0)) if device in ("auto", "cuda") else 0
    return batches.map_batches(
        _Actor,
        fn_constructor_args=(answerer,),
        batch_size=1,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(min_size=1, max_size=gpus or max(1, int(resources.get("CPU", 1)))),
        num_cpus=1,
        num_gpus=1 if gpus else 0,
    )


def _source(read: ReadBatches) -> Any:
    """Return a Ray Data source of the batches, read by one task."""
    from ray.data import Datasource, ReadTask
    from ray.data.block import BlockMetadata

    class Batches(Datasource):  # type: ignore[misc]  # Ray has no types here
        def estimate_inmemory_data_size(self) -> None:
            return None

        def get_read_tasks(self, parallelism: int, *_args: object, **_options: object) -> list[ReadTask]:  # noqa: ARG002
            metadata = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
            return [ReadTask(lambda: _blocks(read), metadata)]

    return Batches()


def _blocks(read: ReadBatches) -> Iterator[Any]:
    batches = read()
    while True:
        try:
            batch = next(batches, None)
        except CommandError as error:
            yield _block(error)
            return
        if batch is None:
            return
        yield _block(batch)


class _Actor:
    """A process of the cluster with a model."""

    def __init__(self, answerer: Answerer) -> None:
        self._answer = answerer

    def __call__(self, block: Any) -> Any:
        [pickled] = block[_COLUMN].to_pylist()
        batch = pickle.loads(pickled)  # noqa: S301 - of the task that read it
        if isinstance(batch, CommandError):
            return block
        try:
            return _block((batch, self._answer(batch)))
        except CommandError as error:
            return _block(error)


def _block(value: object) -> Any:
    import pyarrow

    return pyarrow.table({_COLUMN: pyarrow.array([pickle.dumps(value)], pyarrow.large_binary())})
