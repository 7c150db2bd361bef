"""Faults to plant in any right allocation: each returns a wrong one, or None where there is no case of it.

`WHERE` says what the checker must then find, others besides: table, column, and a pattern of its message.
"""

from tests.planting import figures, overuse, serving, shipping
from tests.planting.registry import PLANTS, WHERE, Plant, replaced

__all__ = ["PLANTS", "WHERE", "Plant", "figures", "overuse", "replaced", "serving", "shipping"]
