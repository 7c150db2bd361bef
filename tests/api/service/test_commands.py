"""Tests the commands of the service: serve with nothing, key, ledger, and what they say when something is wrong."""

from __future__ import annotations

import dataclasses
import subprocess
import time
from contextlib import closing
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from api.first_network import give_network
from api.ledger_commands import escape_formulas
from api.serving import ServeOptions, settings_of
from engine.ledger import Request, open_ledger
from engine.ledger.commands import ImportStock
from tests.api.running import COMMAND, ROOT, environment, nodewise


def test_serve_with_nothing(tmp_path: Path) -> None:
    """Tests that without options there is a demo network on an embedded ledger, and that it says so."""
    began = time.monotonic()
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    said = [process.stdout.readline() for _ in range(3)]
    assert "generated demo" in said[0] and "serves on http://127.0.0.1:" in said[1] and "open" in said[2]
    url = said[1].split()[3]
    while httpx.get(f"{url}/readyz").status_code != 200:
        time.sleep(0.02)
        assert time.monotonic() - began < 30
    network = httpx.get(f"{url}/v1/network").json()
    assert len(network["nodes"]) == 20
    cart = {"lat": 40.0, "lon": -90.0, "lines": [{"line_id": "1", "sku": network["items"][0]["sku"], "quantity": 1}]}
    assert httpx.post(f"{url}/v1/promises", json={"cart": cart}).json()["options"]
    metrics = httpx.get(f"{url}/metrics").text
    assert "nodewise_ledger_drift 0.0" in metrics and "nodewise_request_seconds_bucket" in metrics
    process.terminate()
    _, log = process.communicate(timeout=20)
    assert process.returncode == 0
    assert (tmp_path / "nodewise-ledger.db").stat().st_mode & 0o077 == 0
    assert '"call":"/v1/promises"' in log and '"error"' not in log
    done = nodewise("ledger", "verify", "--database", "sqlite:///nodewise-ledger.db", cwd=tmp_path)
    assert done.exit_code == 0 and "all agree" in done.stdout
    done = nodewise("ledger", "rebuild", "--database", "sqlite:///nodewise-ledger.db", cwd=tmp_path)
    assert done.exit_code == 0 and "rebuilt" in done.stdout
    for form, kind in (("parquet", "parquet"), ("csv", "csv")):
        export = ("ledger", "export", "-o", form, "--format", form, "--database", "sqlite:///nodewise-ledger.db")
        assert nodewise(*export, cwd=tmp_path).exit_code == 0
        assert nodewise(*export, cwd=tmp_path).exit_code == 2  # it is not empty any more
        assert (tmp_path / form / f"stock.{kind}").exists()
    assert pq.read_table(tmp_path / "parquet" / "stock.parquet").num_rows > 50
    assert pa_csv.read_csv(tmp_path / "csv" / "stock.csv").num_rows > 50


def test_a_network_is_given_once(tmp_path: Path) -> None:
    """Tests that a batch's network and stock are stored, and not again when they are there."""
    small = ("--orders", "50", "--nodes", "8", "--skus", "20")
    assert nodewise("generate", "-o", "day", *small, cwd=tmp_path).exit_code == 0
    with closing(open_ledger("sqlite://")) as ledger:
        assert "network 1 is" in give_network(ledger, "t", str(tmp_path / "day"))
        n_entries = len(ledger.entries("t"))
        assert n_entries > 10
        assert "already" in give_network(ledger, "t", str(tmp_path / "day"))
        assert ledger.network_version("t") == 1 and len(ledger.entries("t")) == n_entries


def test_keys(tmp_path: Path) -> None:
    """Tests creating, listing and revoking keys, and that a key is told once and kept as a hash."""
    database = ("--database", f"sqlite:///{tmp_path / 'ledger.db'}")
    made = nodewise("key", "create", "--tenant", "acme", "--scope", "read", *database, cwd=tmp_path)
    key = made.stdout.strip()
    assert made.exit_code == 0 and key.startswith("nwk_")
    key_id = key.split("_")[1]
    listed = nodewise("key", "list", *database, cwd=tmp_path)
    assert key_id in listed.stdout and "acme" in listed.stdout and key.split("_")[2] not in listed.stdout
    assert key.encode() not in (tmp_path / "ledger.db").read_bytes()
    assert nodewise("key", "revoke", key_id, "--tenant", "other", *database, cwd=tmp_path).exit_code == 2
    assert nodewise("key", "revoke", key_id, "--tenant", "acme", *database, cwd=tmp_path).exit_code == 0
    assert "revoked" in nodewise("key", "list", *database, cwd=tmp_path).stdout
    wrong = nodewise("key", "create", "--scope", "everything", *database, cwd=tmp_path)
    assert wrong.exit_code == 2 and "expected one of read" in wrong.stderr


def test_verify_finds_what_is_wrong(tmp_path: Path) -> None:
    """Tests that a balance that was changed behind the ledger's back is found, with exit code 3, and rebuilt."""
    import apsw

    path = tmp_path / "ledger.db"
    database = ("--database", f"sqlite:///{path}")
    rows = pa.table({"node_id": ["east"], "sku": ["mug"], "on_hand": [5]})
    with closing(open_ledger(f"sqlite:///{path}")) as ledger:
        ledger.import_stock(Request(tenant="t", command=ImportStock(rows=rows)))
    connection = apsw.Connection(str(path))
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    stock = next(name for name in tables if "stock" in name)
    connection.execute(f"UPDATE {stock} SET on_hand = on_hand + 1")
    connection.close()
    done = nodewise("ledger", "verify", *database, cwd=tmp_path)
    assert done.exit_code == 3 and "expected 5" in done.stdout
    assert nodewise("ledger", "rebuild", *database, cwd=tmp_path).exit_code == 0
    assert nodewise("ledger", "verify", *database, cwd=tmp_path).exit_code == 0


def test_wrong_options_are_told(tmp_path: Path) -> None:
    """Tests that what cannot work ends with one line and exit code 2."""
    done = subprocess.run(
        [*COMMAND, "serve", "--port", "0", "--database", "mysql://x"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "mysql" in done.stderr and "Traceback" not in done.stderr
    options = {field.name: None for field in dataclasses.fields(ServeOptions)}
    for jwks, said in ((None, "go together"), ("http://issuer.example/keys", "https")):
        with pytest.raises(ValueError, match=said):
            settings_of(ServeOptions(**{**options, "issuer": "i", "audience": "a", "jwks": jwks}))  # type: ignore[arg-type]


def test_spreadsheets_run_nothing() -> None:
    """Tests that text that a spreadsheet would run is escaped, and no other."""
    table = pa.table({"text": ["=1+1", "+1", "-1", "@x", "a=b", None, "'", "\tx"], "number": range(-4, 4)})
    escaped = escape_formulas(table)
    assert escaped["text"].to_pylist() == ["'=1+1", "'+1", "'-1", "'@x", "a=b", None, "'", "'\tx"]
    assert escaped["number"] == table["number"]


def test_help_is_quick() -> None:
    """Tests that help asks for nothing heavy."""
    code = (
        "import sys, api.cli; print([name for name in ('numba', 'pyarrow', 'uvicorn', 'httpx') if name in sys.modules])"
    )
    done = subprocess.run([COMMAND[0], "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
