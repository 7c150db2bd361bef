"""Tests that the committed build of the page is the build of the committed sources."""

from __future__ import annotations

import filecmp
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from api.page_files import FOLDER

PAGE = FOLDER.parent
STALE = "run make page, and commit api/page/dist"


def test_the_sources_are_those_that_were_built() -> None:
    """Tests, without Node, the digest of the sources that the build left; after a change: make page."""
    names = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json"]
    names += [path.relative_to(PAGE).as_posix() for path in (PAGE / "src").rglob("*") if path.is_file()]
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(name.encode() + b"\0" + (PAGE / name).read_bytes() + b"\0")
    assert (FOLDER / "sources.sha256").read_text().strip() == digest.hexdigest(), STALE


def test_the_build_is_made_from_the_sources(tmp_path: Path) -> None:
    """Tests, with Node, that types are right and that building anew gives every byte of what is committed."""
    npm = shutil.which("npm")
    if npm is None:
        _missing("building the page anew needs Node 20 or later with npm")
    copied = shutil.copytree(PAGE, tmp_path / "page", ignore=shutil.ignore_patterns("node_modules", "dist"))
    if (PAGE / "node_modules").is_dir():
        (copied / "node_modules").symlink_to(PAGE / "node_modules")
    else:
        done = subprocess.run([str(npm), "ci", "--silent"], cwd=copied, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            _missing(f"the packages of the page could not be installed: {done.stderr.strip()[-300:]}")
    for command in (["check"], ["build"]):
        done = subprocess.run([str(npm), "run", *command], cwd=copied, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    built, committed = _files(copied / "dist"), _files(FOLDER)
    assert built == committed
    _, different, odd = filecmp.cmpfiles(copied / "dist", FOLDER, sorted(built), shallow=False)
    assert not different and not odd, STALE


def test_the_lock_file_names_no_place() -> None:
    """Tests that every version is exact and has its hash, and that no registry is written down."""
    lock, package = (PAGE / "package-lock.json").read_text(), (PAGE / "package.json").read_text()
    assert "resolved" not in lock and "http://" not in lock.replace("http://www.apache.org", "")
    assert lock.count('"integrity"') > 10
    versions = re.findall(r'"[@a-z0-9/-]+": "([^"]+)"', package.partition('"dependencies"')[2])
    assert versions and all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _missing(what: str) -> None:
    if os.environ.get("NODEWISE_BROWSER") == "required":
        pytest.fail(f"NOT RUN: {what}")
    pytest.skip(f"NOT RUN: {what}")
