"""Keys of several columns as one text each."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc


def key_text(table: pa.Table, key: Sequence[str]) -> pa.Array:
    """Return one text for the key of each row; different keys have different texts."""
    parts = []
    for name in key:
        text = table.column(name).combine_chunks().cast(pa.string())
        length = pc.fill_null(pc.utf8_length(text).cast(pa.string()), "-")
        parts.append(pc.binary_join_element_wise(length, pc.fill_null(text, ""), ":"))
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "")
