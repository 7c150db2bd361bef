"""Tests that the examples in the documentation run as they stand there."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from api.routes import ALL_CALLS
from tests.api.service.serving import Server, shop_of

DOCS = Path(__file__).parents[3] / "docs"


def test_the_examples_of_the_service_run(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests every Python example of service.md, in order, against a running service."""
    text = (DOCS / "service.md").read_text("utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(examples) >= 8
    shop = shop_of(server, network=False)
    names = {"http": shop.http}
    with contextlib.redirect_stdout(io.StringIO()):
        for example in examples:
            exec(compile(example, "service.md", "exec"), names)
    shop.http.close()


def test_the_documentation_knows_every_verb() -> None:
    """Tests that service.md names what can be done with reservations and orders."""
    text = (DOCS / "service.md").read_text("utf-8")
    verbs = {spec.path.rpartition(":")[2] for spec in ALL_CALLS if ":" in spec.path and spec.noun != "operations"}
    assert {verb for verb in verbs if f":{verb}" not in text} == {"query"}
