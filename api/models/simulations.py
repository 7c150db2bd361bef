"""Simulations: orders, and scenarios on the network and stock as they are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from api.models.common import Int, Model
from api.models.orders import LineRow, OrderRow
from engine.scenario import Scenario
from engine.simulation import BASE

MAX_SCENARIOS = 20
MAX_EDITS = 200


class SimulationBody(Model):
    """Orders as the tables ``orders`` and ``lines``, and what is to change."""

    scenarios: Annotated[list[Scenario], Field(min_length=1, max_length=MAX_SCENARIOS)]
    orders: Annotated[list[OrderRow], Field(min_length=1, max_length=100_000)]
    lines: Annotated[list[LineRow], Field(min_length=1, max_length=1_000_000)]
    gap: Annotated[float, Field(ge=0, le=1)] = 0.005
    time_limit_seconds: Annotated[float | None, Field(gt=0, le=3600, description="Of each plan.")] = None
    seed: Int = 0

    @model_validator(mode="after")
    def _fits(self) -> SimulationBody:
        names = [scenario.name.lower() for scenario in self.scenarios]
        if BASE in names or len(set(names)) < len(names):
            raise ValueError(f"scenarios need different names, and none is {BASE}")
        if sum(len(scenario.edits) for scenario in self.scenarios) > MAX_EDITS:
            raise ValueError(f"a simulation has at most {MAX_EDITS} edits")
        return self
