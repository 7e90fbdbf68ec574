"""Texts, options and readers of output that tests of runs over many texts share."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

MASKED = ["She drank a cup of [MASK] with milk.", "He closed the [MASK] and left.", "The [MASK] and the [MASK]."]
FAST = ("--max-subwords", "1", "--top-k", "2")


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))
