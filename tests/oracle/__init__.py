"""An independent, exact reading of the sourcing model for tests: plain Python, small batches."""

from .brute import Option, Resource, TooLarge, options
from .costs import Shipment
from .features import CONSTRAINTS, features
from .reasons import reasons
from .solving import Solution, nothing_cents, solve, solve_by_milp

__all__ = [
    "CONSTRAINTS",
    "Option",
    "Resource",
    "Shipment",
    "Solution",
    "TooLarge",
    "features",
    "nothing_cents",
    "options",
    "reasons",
    "solve",
    "solve_by_milp",
]
