"""Tests the commands over time from outside: a stream is generated, replayed, and the result is there to read."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from api.cli import app

SMALL = ["--days", "2", "--orders", "40", "--nodes", "8", "--skus", "20"]


def run(*words: str) -> tuple[int, str]:
    """Run a command; its exit code and what it printed."""
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output


def test_a_stream_is_generated_and_replayed(tmp_path: Path) -> None:
    """Tests both commands, and that a second replay writes the same bytes."""
    week, out = tmp_path / "week", tmp_path / "out"
    code, said = run("generate-stream", *SMALL, "--load", "peak", "--seed", "3", "-o", str(week))
    assert code == 0 and "peak stream of 2 days: 40 orders" in said
    words = ["replay", str(week), "--strategies", "nearest,cheapest,windows:120", "--seeds", "2", "--reject-bp", "200"]
    code, said = run(*words, "-o", str(out))
    assert code == 0, said
    assert "windows:120" in said and "the best rival rule over 2 seeds" in said and "hindsight, bound" in said
    result = json.loads((out / "result.json").read_text())
    assert result["asked"]["strategies"] == ["nearest", "cheapest", "windows:120"]
    assert len(result["streams_sha256"][0]) == 64
    assert pq.read_table(out / "runs.parquet").num_rows == 6
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert run(*words, "-o", str(out))[0] == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--strategies", "fastest"], "strategy is fastest, expected nearest"),
        (["nowhere"], "nowhere cannot be read"),
        (["--reject-bp", "10001"], "less than or equal to 10000"),
    ],
)
def test_bad_input_is_told(words: list[str], told: str) -> None:
    """Tests that what cannot be replayed ends with a message and exit code 2."""
    code, said = run("replay", *words)
    assert code == 2 and told in said
