"""Tests the stream as a document: what is wrong with it is told, all together, by table, row, column and value."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import InputError
from engine.replay.documents import micros, read_stream, write_stream
from engine.replay.generating import StreamParams, generate_stream
from engine.replay.strategies import strategy_of
from tests.engine.replay.streams import Document, drawn_stream, stream_of


def messages(document: Document, folder: Path) -> list[str]:
    """What reading a document says."""
    with pytest.raises(InputError) as caught:
        stream_of(document, folder)
    return [fault.message for fault in caught.value.faults]


def test_all_faults_come_together(tmp_path: Path) -> None:
    """Tests that faults of the stream's tables are told beside those of the batch's, in one go."""
    document = drawn_stream(0)
    order_id = document["orders"][0]["order_id"]
    document["nodes"][0]["lat"] = 91
    document["stream"][0]["placed_at"] = "2026-03-06 23:30"
    document["stream"][1]["placed_at"] = "1999-01-01T00:00:00Z"
    document["stream"].append({"order_id": "nobody", "placed_at": "2026-03-09T00:00:00Z"})
    document["rejects"] = [{"node_id": "N0", "reject_bp": 10001}]
    found = messages(document, tmp_path)
    assert [message.split(":")[0] for message in found] == [
        "nodes row 1",
        "stream row 1",
        "stream row 2",
        f"stream row {len(document['stream'])}",
        "rejects row 1",
    ]
    assert "placed_at is 2026-03-06 23:30, expected a date and time with offset" in found[1]
    assert "expected an instant from policy.as_of on" in found[2]
    del document["stream"][0]
    assert f"orders row 1: order_id is {order_id}, expected a row of it in stream" in messages(document, tmp_path)


def test_a_stream_needs_its_table(tmp_path: Path) -> None:
    """Tests that a batch alone is no stream, and that unknown tables are still refused."""
    document = drawn_stream(0)
    del document["stream"]
    assert messages(document, tmp_path) == ["stream: missing, expected a list of objects"]
    document = drawn_stream(0) | {"streams": []}
    assert messages(document, tmp_path)[0].startswith("streams: unknown table, expected one of nodes, ")


def test_instants_may_be_of_parquets_own_type(tmp_path: Path) -> None:
    """Tests that a timestamp column with a time zone means the same as text, and one without is refused."""
    stream = generate_stream(StreamParams(days=1, n_orders=5, n_nodes=3, n_skus=4))
    write_stream(stream, tmp_path)
    for zone, fine in (("America/New_York", True), (None, False)):
        column = pa.array(stream.placed_at, pa.timestamp("us", "UTC")).cast(pa.timestamp("us", zone))
        table = pa.table({"order_id": stream.batch["orders"]["order_id"], "placed_at": column})
        pq.write_table(table, tmp_path / "stream.parquet")
        if fine:
            assert read_stream(tmp_path).digest() == stream.digest()
        else:
            with pytest.raises(InputError, match="placed_at is of type"):
                read_stream(tmp_path)


def test_instants_are_exact() -> None:
    """Tests that microseconds and offsets are kept."""
    assert micros(datetime.fromisoformat("1970-01-02T00:00:00.000001+02:00")) == 22 * 3_600_000_000 + 1


@pytest.mark.parametrize("name", ["", "nearest:5", "windows", "windows:0", "windows:10081", "windows:1.5", "reopt:-1"])
def test_unknown_strategies_are_told_what_there_is(name: str) -> None:
    """Tests that a name that means nothing is refused with all that could be meant."""
    with pytest.raises(InputError, match=r"expected nearest, .* or reopt:MINUTES"):
        strategy_of(name)
    assert strategy_of("reopt:45").release_minutes == 240
