"""The commands `nodewise key`: credentials are made here and kept as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from api.failures import BAD_INPUT, DONE, say
from api.ledger_answers import instant
from api.security import SCOPES, new_key
from engine.ledger import open_ledger


def create_key_command(database: str, tenant: str, scopes: Sequence[str]) -> int:
    """Create a key and print it; returns the exit code."""
    for scope in scopes:
        if scope not in SCOPES:
            say(f"scope is {scope}, expected one of {', '.join(SCOPES)}")
            return BAD_INPUT
    if not 1 <= len(tenant) <= 128 or "\0" in tenant:
        say("tenant is no text of 1 to 128 characters")
        return BAD_INPUT
    key, key_id, key_hash = new_key()
    with closing(open_ledger(database)) as ledger:
        ledger.put_key(tenant, key_id, key_hash, sorted(set(scopes)))
    print(key)
    say(f"key {key_id} of tenant {tenant}, {' '.join(sorted(set(scopes)))}: shown this once")
    return DONE


def list_keys_command(database: str) -> int:
    """List keys; returns the exit code."""
    with closing(open_ledger(database)) as ledger:
        stored = ledger.keys()
        for key in stored:
            ended = "" if key.revoked_at_ms is None else f"  revoked {instant(key.revoked_at_ms)}"
            print(f"{key.key_id}  {key.tenant}  {' '.join(key.scopes)}  since {instant(key.created_at_ms)}{ended}")
    return DONE


def revoke_key_command(database: str, tenant: str, key_id: str) -> int:
    """Revoke a key; returns the exit code."""
    with closing(open_ledger(database)) as ledger:
        if not ledger.revoke_key(tenant, key_id):
            say(f"tenant {tenant} has no key {key_id}")
            return BAD_INPUT
    print(f"key {key_id} revoked")
    return DONE
