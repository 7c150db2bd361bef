"""Groups each take exactly one of their options; options cost cents and use limited resources.

``solve(problem, params)`` returns a choice with a certified bound. The package knows nothing of orders or nodes.
"""

from solver.params import SolveParams
from solver.problem import Problem
from solver.result import Result, Termination, TracePoint
from solver.solve import solve
from solver.source import More, Prices, Source

__all__ = [
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
