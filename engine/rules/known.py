"""The rules that products document, by what they do; whose they are is said in ``benchmarks.rivals``."""

from __future__ import annotations

from engine.rules.rule import Pass, Rule

NEAREST = Rule(passes=(Pass(rank="distance", search="walk"),))
PRIORITY = Rule(passes=(Pass(rank="table", search="walk"),))
MOST_STOCK = Rule(passes=(Pass(rank="stock", search="walk"),))
FEWEST_SPLITS = Rule(passes=(Pass(rank="distance", search="fewest"),))
SINGLE_ELSE_MULTI = Rule(passes=(Pass(rank="distance", search="single"), Pass(rank="distance", search="walk")))
TWO_PASS = Rule(
    passes=(Pass(rank="distance", search="single", in_time=True), Pass(rank="distance", search="fewest")),
    batch_lines=1500,
)
RULES = (NEAREST, PRIORITY, MOST_STOCK, FEWEST_SPLITS, SINGLE_ELSE_MULTI, TWO_PASS)
