"""Where and of what a figure was measured: machine, versions, and a hash of the code that ran."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]
HASHED = ("api", "benchmarks/rivals", "engine", "solver")
VERSIONED = ("numba", "numpy", "ortools", "pyarrow", "ray", "scipy")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What two figures must share to be compared.

    Parameters
    ----------
    processor, system : str
        As the system tells them.
    n_processors : int
        How many the measured processes might use.
    memory_gb : float
        Of the machine, in 10^9 bytes.
    versions : dict of str to str
        Python and the packages that do the work.
    code : str
        Of the sources in `HASHED`: the first 12 digits of a SHA-256 over names and contents. Commits that leave the
        code alone leave it alone.
    """

    processor: str
    system: str
    n_processors: int
    memory_gb: float
    versions: dict[str, str]
    code: str


def origin(n_processors: int) -> Origin:
    """This machine and this checkout."""
    return Origin(
        processor=processor_name(),
        system=f"{platform.system()} {platform.machine()}",
        n_processors=n_processors,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        versions={"python": platform.python_version(), **{name: _version(name) for name in VERSIONED}},
        code=code_hash(ROOT),
    )


def code_hash(root: Path) -> str:
    """Hash the sources under a root; bytecode, data and prose do not count."""
    digest = hashlib.sha256()
    for folder in HASHED:
        for path in sorted((root / folder).rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:12]


def confine(n_processors: int) -> int:
    """Keep this process and all it starts to so many processors, where the system can; return how many."""
    if sys.platform != "linux":
        return min(n_processors, os.cpu_count() or 1)
    mine = sorted(os.sched_getaffinity(0))[:n_processors]
    os.sched_setaffinity(0, mine)
    return len(mine)


def processor_name() -> str:
    """The model of the processor, as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
