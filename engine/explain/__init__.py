"""Why an allocation is as it is: of an order, against every rival node; of a resource, what one more would save.

Whatever is said is an optimum of a stated question: a few orders decided anew, all others as they are.
"""

from engine.explain.answers import (
    Alternative,
    Change,
    Holder,
    Move,
    Named,
    OrderExplanation,
    Wanted,
    Worth,
)
from engine.explain.order import Explainer, explain_order
from engine.explain.whole import dearest

__all__ = [
    "Alternative",
    "Change",
    "Explainer",
    "Holder",
    "Move",
    "Named",
    "OrderExplanation",
    "Wanted",
    "Worth",
    "dearest",
    "explain_order",
]
