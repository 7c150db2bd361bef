"""Allocations side by side: what differs from the first, down to the order, and how sure that is."""

from engine.comparison.comparing import Comparison, Plan, compare
from engine.comparison.writing import write_comparison

__all__ = ["Comparison", "Plan", "compare", "write_comparison"]
