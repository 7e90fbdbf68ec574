"""Metrics of the shared engine in Prometheus' text format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from .reply import Reply

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of response times, in seconds."""
_PREFIX = "fillmask_"


class Metrics:
    """Counts responses and their times."""

    def __init__(self, gauges: dict[str, tuple[str, Callable[[], float]]], *, worker: int = 0) -> None:
        """Create metrics.

        Args:
            gauges: for each name a description, and a function that returns the value now.
            worker: the number of this process among several, which is a label then; 0 if it is alone.
        """
        self._gauges = gauges
        self._labels = {"worker": str(worker)} if worker else {}
        self._responses: Counter[tuple[str, int]] = Counter()
        self._seconds: dict[str, float] = {}
        self._buckets: dict[str, list[int]] = {}

    def observe(self, path: str, status: int, seconds: float) -> None:
        """Count a response; ``path`` must be one of few."""
        self._responses[path, status] += 1
        self._seconds[path] = self._seconds.get(path, 0.0) + seconds
        counts = self._buckets.setdefault(path, [0] * len(_BUCKETS))
        for number, bound in enumerate(_BUCKETS):
            counts[number] += seconds <= bound

    def reply(self) -> Reply:
        """Return the response to a GET of ``/metrics``."""
        text = "\n".join([*self._lines(), ""])
        return Reply(200, text.encode(), content_type="text/plain; version=0.0.4; charset=utf-8")

    def _lines(self) -> Iterator[str]:
        yield from _header("http_requests_total", "counter", "Responses by path and status.")
        for (path, status), number in sorted(self._responses.items()):
            yield self._sample("http_requests_total", f"{number}", path=path, status=str(status))
        name = "http_request_duration_seconds"
        yield from _header(name, "histogram", "Time from the request's headers to its response.")
        for path, counts in sorted(self._buckets.items()):
            number = sum(each for (other, _), each in self._responses.items() if other == path)
            for bound, count in zip(_BUCKETS, counts, strict=True):
                yield self._sample(f"{name}_bucket", f"{count}", path=path, le=f"{bound:g}")
            yield self._sample(f"{name}_bucket", f"{number}", path=path, le="+Inf")
            yield self._sample(f"{name}_sum", f"{self._seconds[path]:.6f}", path=path)
            yield self._sample(f"{name}_count", f"{number}", path=path)
        for gauge, (description, value) in self._gauges.items():
            yield from _header(gauge, "gauge", description)
            yield self._sample(gauge, f"{value():g}")

    def _sample(self, name: str, value: str, **labels: str) -> str:
        pairs = ",".join(f'{label}="{text}"' for label, text in {**labels, **self._labels}.items())
        return f"{_PREFIX}{name}{f'{{{pairs}}}' if pairs else ''} {value}"


def _header(name: str, kind: str, description: str) -> tuple[str, str]:
    return f"# HELP {_PREFIX}{name} {description}", f"# TYPE {_PREFIX}{name} {kind}"
