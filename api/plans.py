"""What a plan is made of, as its operation keeps it: options in a line of JSON, then the packed batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from api.models.plans import GenerateBody, PlanOptions
from api.packing import pack_batch, unpack_batch
from engine.batch import Batch
from engine.generate import GenerateParams, generate
from engine.scenario import apply_scenario, parse_scenario

KIND = "plan"


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """What an operation of this kind has to do.

    Parameters
    ----------
    name : str
        For people.
    rule : str
        ``whole``, or ``one_at_a_time``.
    gap, time_limit_seconds, seed : float, float, int
        How to search.
    generate : mapping or None
        What to generate, where no batch is given.
    base : str or None
        The operation from which the batch came.
    scenario : mapping or None
        Edits that are in the batch already.
    """

    name: str
    rule: str
    gap: float
    time_limit_seconds: float
    seed: int
    generate: Mapping[str, Any] | None = None
    base: str | None = None
    scenario: Mapping[str, Any] | None = None

    def to_bytes(self, batch: Batch | None) -> bytes:
        """Return what is stored."""
        packed = b"" if batch is None else pack_batch(batch)
        return orjson.dumps(asdict(self)) + b"\n" + packed

    def about(self) -> dict[str, Any]:
        """Return what is told about the plan while it is solved, and after."""
        return {"name": self.name, "rule": self.rule, "base": self.base, "scenario": self.scenario}


def request_of(options: PlanOptions, name: str, **source: Any) -> PlanRequest:
    """Return the request for some options."""
    return PlanRequest(
        name=options.name or name,
        rule=options.rule,
        gap=options.gap,
        time_limit_seconds=options.time_limit_seconds,
        seed=options.seed,
        **source,
    )


def read_request(raw: bytes) -> tuple[PlanRequest, bytes]:
    """Return a stored request, and its packed batch (empty where it is to be generated)."""
    header, _, packed = raw.partition(b"\n")
    return PlanRequest(**orjson.loads(header)), packed


def generated(body: GenerateBody | Mapping[str, Any]) -> Batch:
    """Generate the batch that a plan asks for."""
    wanted = body if isinstance(body, GenerateBody) else GenerateBody.model_validate(dict(body))
    return generate(
        GenerateParams(
            load=wanted.load,
            n_orders=wanted.orders,
            n_nodes=wanted.nodes,
            n_skus=wanted.skus,
            seed=wanted.seed,
        )
    )


def edited(batch: Batch, scenario: Mapping[str, Any] | None) -> Batch:
    """Return a batch with the edits of a scenario; the same batch where there is none.

    Raises
    ------
    InputError
        With every fault of the scenario, or the first of its edits that names what does not exist.
    """
    if scenario is None:
        return batch
    return apply_scenario(batch, parse_scenario({"name": "scenario", **scenario}))


def batch_of(request: PlanRequest, packed: bytes) -> Batch:
    """Return the batch to solve."""
    if packed:
        return unpack_batch(packed)
    assert request.generate is not None
    return generated(request.generate)
