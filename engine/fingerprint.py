"""What a batch was, in one line: results say which input they belong to."""

from __future__ import annotations

import hashlib
import json

import pyarrow as pa
import pyarrow.csv as pa_csv

from engine.batch import Batch
from engine.schema import INPUT_TABLES


def fingerprint(batch: Batch) -> str:
    """Return the SHA-256 of a batch, as 64 hexadecimal digits.

    It is taken over the policy as JSON (sorted names, no spaces, one line), then each table in the order of
    the model: a line with its name, then the bytes of its CSV form. Two batches that read as the same have the
    same, in whatever form they were written.

    Parameters
    ----------
    batch : Batch
        A checked batch.
    """
    digest = hashlib.sha256()
    policy = json.dumps(batch.policy.to_document(), sort_keys=True, separators=(",", ":"))
    digest.update(policy.encode() + b"\n")
    for name, schema in INPUT_TABLES.items():
        digest.update(name.encode() + b"\n")
        table = batch[name].select(schema.column_names).cast(schema.arrow_schema)
        with pa.PythonFile(_Digesting(digest), mode="w") as sink:
            pa_csv.write_csv(table, sink)
    return digest.hexdigest()


class _Digesting:
    """A file that only its digest remembers."""

    closed = False

    def __init__(self, digest: hashlib._Hash) -> None:
        self._digest = digest

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return len(data)

    def flush(self) -> None:
        return None

    def close(self) -> None:
        return None
