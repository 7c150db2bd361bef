"""The stages of the price ascent: from rough prices to fine ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """One stage of the ascent, for a problem whose groups' options differ by 50 dollars on average.

    Parameters
    ----------
    temperature, step_cents : float
        In cents; scaled to the problem at hand.
    n_steps : int
        Rounds of climbing between two looks at what is not listed.
    n_looks : int
        Such looks.
    exact : bool
        Whether the last look is exact, so that the bound can be certified.
    cuts : bool
        Whether to look for cuts afterwards.
    near_only : bool
        Whether to climb with those options alone that prices could make good within the stage.
    heavy : bool
        Whether the last look asks about heavy groups too, even if the core is a minority.
    widen : bool
        Whether to let in groups whose cheapest option has got a price, and then to go back a stage.
    """

    temperature: float
    step_cents: float
    n_steps: int
    n_looks: int = 1
    exact: bool = False
    cuts: bool = False
    near_only: bool = False
    heavy: bool = True
    widen: bool = False


STAGES = (
    Stage(temperature=400.0, step_cents=300.0, n_steps=14, n_looks=2, heavy=False),
    Stage(temperature=300.0, step_cents=300.0, n_steps=14, heavy=False),
    Stage(temperature=150.0, step_cents=180.0, n_steps=22),
    Stage(temperature=75.0, step_cents=90.0, n_steps=18, n_looks=2, widen=True),
    Stage(temperature=35.0, step_cents=35.0, n_steps=25, n_looks=2, cuts=True),
    Stage(temperature=25.0, step_cents=20.0, n_steps=40, cuts=True),
    Stage(temperature=15.0, step_cents=12.0, n_steps=30, n_looks=2, cuts=True),
    Stage(temperature=10.0, step_cents=8.0, n_steps=60, cuts=True, near_only=True),
    Stage(temperature=6.0, step_cents=5.0, n_steps=60, cuts=True, near_only=True, exact=True),
)
FINE = (
    Stage(temperature=4.0, step_cents=3.0, n_steps=80, cuts=True, near_only=True),
    Stage(temperature=2.0, step_cents=1.5, n_steps=60, cuts=True, near_only=True),
    Stage(temperature=1.0, step_cents=0.5, n_steps=60, near_only=True, exact=True),
)
"""What lifts the bound by the last hundredths of a percent: before the first annealing and twice later."""
WARM_STAGES = 3
"""So many of the first stages are left out where there are prices to start from."""
