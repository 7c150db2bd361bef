"""Tests `nodewise report`: one file with everything in it, that no name in a batch can break out of."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine import AllocateParams, allocate, parse_batch, route_in_order
from engine.documents import batch_to_document, write_allocation, write_batch
from engine.figures import kpis
from engine.generate import GenerateParams, generate
from tests.api.running import nodewise, worked_files

HOSTILE = "</script><script>alert(1)</script><!--"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A batch with a hostile name in it, an allocation beside it, and a baseline."""
    found = tmp_path_factory.mktemp("report")
    document = batch_to_document(generate(GenerateParams(load="peak", n_orders=60, n_nodes=8, n_skus=12, seed=3)))
    batch = parse_batch(re.sub(r"\bdc01\b", HOSTILE, json.dumps(document)))
    write_batch(batch, found / "day", "parquet")
    write_allocation(allocate(batch, AllocateParams(gap=0.01)), found / "day-allocation", "parquet")
    write_allocation(route_in_order(batch), found / "routed", "parquet")
    return found


def data_of(text: str) -> dict[str, Any]:
    """The data in a report."""
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert match is not None
    found: dict[str, Any] = json.loads(match[1])
    return found


def test_the_report_has_the_figures(folder: Path) -> None:
    """Tests that the file lies beside the allocation, and that its figures are those of the engine."""
    done = nodewise("report", "day-allocation", "--baseline", "routed", cwd=folder)
    assert done.exit_code == 0 and done.stdout == "report written to day-allocation.html\n", done.output
    data = data_of((folder / "day-allocation.html").read_text("utf-8"))
    from engine import read_allocation, read_batch

    batch = read_batch(folder / "day")
    assert data["figures"]["kpis"] == kpis(batch, read_allocation(folder / "day-allocation"))
    assert data["baseline"]["kpis"] == kpis(batch, read_allocation(folder / "routed"))
    assert data["comparison"]["same_batch"] and HOSTILE in {node["node_id"] for node in data["figures"]["nodes"]}


def test_nothing_breaks_out_and_nothing_comes_from_elsewhere(folder: Path) -> None:
    """Tests that a name with a closing tag stays text, and that the document can ask for nothing."""
    assert nodewise("report", "day-allocation", "-o", "one.html", cwd=folder).exit_code == 0
    text = (folder / "one.html").read_text("utf-8")
    assert HOSTILE not in text
    assert len(re.findall("<script", text)) == len(re.findall("</script", text)) == 2
    assert not re.search(r"<(?:link|img|iframe|base)\b|@import|url\(['\"]?https?:", text)
    assert "default-src &#x27;none&#x27;; script-src &#x27;sha256-" in text


def test_what_cannot_be_reported_is_told(folder: Path, tmp_path: Path) -> None:
    """Tests a missing batch, an allocation of another batch, and a target that is a folder."""
    assert "--input BATCH" in nodewise("report", "routed", cwd=folder).stderr
    write_batch(generate(GenerateParams(n_orders=5, n_nodes=3, n_skus=4)), folder / "other", "parquet")
    wrong = nodewise("report", "day-allocation", "--input", "other", cwd=folder)
    assert wrong.exit_code == 2 and "an allocation of the batch" in wrong.stderr
    (folder / "taken.html").mkdir(exist_ok=True)
    assert nodewise("report", "day-allocation", "-o", "taken.html", cwd=folder).exit_code == 2
    day, plan = worked_files(tmp_path)
    assert nodewise("report", plan, "--input", day, "-o", "r.html", cwd=tmp_path).exit_code == 0
