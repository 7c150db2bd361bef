"""Scenarios: a batch with stated edits, for what-if. Pure functions from batch to batch."""

from engine.scenario.applying import apply_scenario
from engine.scenario.edits import Scenario
from engine.scenario.reading import parse_scenario, read_scenario, read_scenarios

__all__ = ["Scenario", "apply_scenario", "parse_scenario", "read_scenario", "read_scenarios"]
