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

    def __init__(self, gauges: dict[str, tuple[str, Callable[[], float]]]) -> None:
        """Create metrics.

        Args:
            gauges: for each name a description, and a function that returns the value now.
        """
        self._gauges = gauges
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
            yield f'{_PREFIX}http_requests_total{{path="{path}",status="{status}"}} {number}'
        name = "http_request_duration_seconds"
        yield from _header(name, "histogram", "Time from the request's headers to its response.")
        for path, counts in sorted(self._buckets.items()):
            number = sum(each for (other, _), each in self._responses.items() if other == path)
            for bound, count in zip(_BUCKETS, counts, strict=True):
                yield f'{_PREFIX}{name}_bucket{{path="{path}",le="{bound:g}"}} {count}'
            yield f'{_PREFIX}{name}_bucket{{path="{path}",le="+Inf"}} {number}'
            yield f'{_PREFIX}{name}_sum{{path="{path}"}} {self._seconds[path]:.6f}'
            yield f'{_PREFIX}{name}_count{{path="{path}"}} {number}'
        for gauge, (description, value) in self._gauges.items():
            yield from _header(gauge, "gauge", description)
            yield f"{_PREFIX}{gauge} {value():g}"


def _header(name: str, kind: str, description: str) -> tuple[str, str]:
    return f"# HELP {_PREFIX}{name} {description}", f"# TYPE {_PREFIX}{name} {kind}"
