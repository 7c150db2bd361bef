"""Tests that a batch's fingerprint is the same in every form, and another for every other batch."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from engine import Batch, parse_batch, read_batch
from engine.fingerprint import fingerprint
from tests.engine.small_batch import FORMS, small_document, write_form


def test_every_form_has_the_same(tmp_path: Path) -> None:
    """Tests JSON, CSV and Parquet, tables in one piece and in several, and that it stays what it is."""
    found = {fingerprint(read_batch(write_form(tmp_path, small_document(), form))) for form in FORMS}
    batch = parse_batch(small_document())
    pieces = {name: pa.concat_tables([table.slice(0, 1), table.slice(1)]) for name, table in batch.tables.items()}
    found.add(fingerprint(Batch(batch.policy, pieces)))
    assert found == {"73159947a23ce5184cf8da5647f7ef5e656c065ea79412bc7304ea4339d8195b"}


def test_every_cell_counts() -> None:
    """Tests that another value anywhere, and another order of rows, give another."""
    seen = {fingerprint(parse_batch(small_document()))}
    document = small_document()
    for table, rows in document.items():
        if table == "policy":
            rows["split_cents"] = 1
        else:
            rows.reverse()
            if len(rows) == 1:
                number = {"lanes": "transit_days", "rates": "cents", "service_capacity": "shipments_per_day"}
                rows[0].update({number[table]: 99} if table in number else {"fuel_bp": 99})
        before = len(seen)
        seen.add(fingerprint(parse_batch(document)))
        assert len(seen) == before + 1, table
