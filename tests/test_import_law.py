"""Tests who may import whom: api asks engine, engine asks solver, and nobody looks back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
import solver

ROOT = Path(__file__).parents[1]
OURS = {"api", "engine", "solver", "benchmarks", "tests"}
MAY_IMPORT = {
    "solver": {"solver"},
    "engine": {"engine", "solver"},
    "api": {"api", "engine"},
    "benchmarks": {"benchmarks", "engine", "solver"},
}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file, by its full name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT).with_suffix("").parts
            parents = package[: len(package) - node.level] if node.level else ()
            yield ".".join((*parents, *([node.module] if node.module else [])))


def sources(room: str) -> list[Path]:
    """The files of a room."""
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_import_only_what_they_may(room: str) -> None:
    """Tests that no file of a room imports another room than the law allows."""
    paths = sources(room)
    assert paths
    foreign = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imports(path)
        if name.split(".")[0] in OURS - MAY_IMPORT[room]
    }
    assert not foreign


def test_api_knows_only_what_engine_offers() -> None:
    """Tests that api reaches into engine through public modules: no name with a leading underscore."""
    private = {
        f"{path.relative_to(ROOT)} imports {alias.name}"
        for path in sources("api")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("engine")
        for alias in node.names
        if alias.name.startswith("_")
    }
    assert not private


@pytest.mark.parametrize(("rooms", "package"), [(("solver",), "ray"), ((*MAY_IMPORT, "tests"), "highspy")])
def test_packages_that_must_not_be_imported(rooms: tuple[str, ...], package: str) -> None:
    """Tests that the solver runs without ray, and that highspy, which breaks ortools, is nowhere."""
    found = {
        str(path.relative_to(ROOT))
        for room in rooms
        for path in sources(room)
        for name in imports(path)
        if name.split(".")[0] == package
    }
    assert not found


def test_public_names_of_the_solver() -> None:
    """Tests that what the solver offers neither grows nor shrinks unnoticed."""
    assert sorted(solver.__all__) == [
        "More",
        "Prices",
        "Problem",
        "Result",
        "SolveParams",
        "Source",
        "Termination",
        "TracePoint",
        "solve",
    ]
    assert all(hasattr(solver, name) for name in solver.__all__)


def test_public_names_of_the_engine() -> None:
    """Tests that what the engine offers neither grows nor shrinks unnoticed."""
    assert sorted(engine.__all__) == [
        "AllocateParams",
        "Allocation",
        "Batch",
        "InputError",
        "Policy",
        "Progress",
        "allocate",
        "parse_batch",
        "read_allocation",
        "read_batch",
        "route_in_order",
        "write_allocation",
        "write_batch",
    ]
    assert all(hasattr(engine, name) for name in engine.__all__)
