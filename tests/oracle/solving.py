"""The exact optimum over all orders, found in two ways that share only the options."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array

from .brute import Calendar, Option, Resource, add_use, order_options
from .costs import nothing_cents as batch_nothing_cents
from .reading import Batch, Row

MAX_STEPS = 5_000


class Solution(NamedTuple):
    """The best objective and one choice that reaches it; capacity and use are of all resources.

    alone_cents is what the orders would cost if each had all resources for itself.
    """

    objective_cents: int
    alone_cents: int
    chosen: dict[str, Option]
    capacity: dict[Resource, int]
    use: dict[Resource, int]


def nothing_cents(document: Row) -> int:
    """The cost of shipping nothing."""
    return batch_nothing_cents(Batch(document))


def solve(document: Row) -> Solution:
    """Solve a batch exactly by depth-first branch and bound, and where that takes too long by the program.

    Raises
    ------
    TooLarge
        When an order has too many options.
    """
    batch = Batch(document)
    calendar = Calendar(batch)
    listed = []
    for order in batch.orders.values():
        nothing, *others = order_options(calendar, order, dearest_cents=_nothing(calendar, order.order_id))
        listed.append([nothing, *others])
    contested = _contested(calendar, listed)
    menus = [_undominated(options, contested) for options in listed]
    chosen = []
    for component in _components(menus):
        try:
            chosen += _branch_and_bound([menus[index] for index in component], calendar.capacity)
        except _TooManySteps:
            rest = [[choice.option for choice in menus[index]] for index in component]
            chosen += _integer_program(rest, calendar.capacity)
    return _solution(calendar, chosen, listed)


def solve_by_milp(document: Row) -> Solution:
    """Solve a batch exactly as an integer program over every option, dominated ones included."""
    batch = Batch(document)
    calendar = Calendar(batch)
    listed = [list(order_options(calendar, order)) for order in batch.orders.values()]
    return _solution(calendar, _integer_program(listed, calendar.capacity), listed)


def _integer_program(listed: list[list[Option]], capacity: dict[Resource, int]) -> list[Option]:
    """Choose one option of every list within the capacities, at the least cost."""
    if not listed:
        return []
    columns = [option for options in listed for option in options]
    row_of = {options[0].order_id: row for row, options in enumerate(listed)}
    row_of_resource = {resource: len(listed) + row for row, resource in enumerate(capacity)}
    entries = [(row_of[option.order_id], column, 1) for column, option in enumerate(columns)]
    for column, option in enumerate(columns):
        entries += [(row_of_resource[resource], column, amount) for resource, amount in option.use.items()]
    rows, cols, amounts = (np.array(part) for part in zip(*entries, strict=True))
    shape = (len(listed) + len(capacity), len(columns))
    matrix = csc_array((amounts.astype(float), (rows, cols)), shape=shape)
    lower = np.array([1.0] * len(listed) + [-np.inf] * len(capacity))
    upper = np.array([1.0] * len(listed) + [float(amount) for amount in capacity.values()])
    result = milp(
        np.array([float(option.cents) for option in columns]),
        integrality=np.ones(len(columns)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, lower, upper),
        options={"mip_rel_gap": 0.0},
    )
    assert result.status == 0, result.message
    return [columns[column] for column in np.flatnonzero(result.x > 0.5)]


def _nothing(calendar: Calendar, order_id: str) -> int:
    return next(order_options(calendar, calendar.batch.orders[order_id])).cents


def _solution(calendar: Calendar, chosen: list[Option], listed: list[list[Option]]) -> Solution:
    use: dict[Resource, int] = {}
    for option in chosen:
        use = add_use(use, option.use)
    assert calendar.fits(use)
    by_order = {option.order_id: option for option in chosen}
    assert by_order.keys() == calendar.batch.orders.keys() and len(by_order) == len(chosen)
    alone_cents = sum(min(option.cents for option in options) for options in listed)
    return Solution(sum(option.cents for option in chosen), alone_cents, by_order, calendar.capacity, use)


def _contested(calendar: Calendar, listed: list[list[Option]]) -> set[Resource]:
    """Resources that could run out: the largest uses of all orders together exceed them."""
    most: dict[Resource, int] = {}
    for options in listed:
        largest: dict[Resource, int] = {}
        for option in options:
            for resource, amount in option.use.items():
                largest[resource] = max(amount, largest.get(resource, 0))
        most = add_use(most, largest)
    return {resource for resource, amount in most.items() if amount > calendar.capacity[resource]}


class _TooManySteps(Exception):
    pass


class _Choice(NamedTuple):
    cents: int
    use: dict[Resource, int]
    option: Option


def _undominated(options: list[Option], contested: set[Resource]) -> list[_Choice]:
    """Drop options that another one beats or equals in cost and in every contested resource."""
    kept: list[_Choice] = []
    for option in sorted(options, key=lambda option: option.cents):
        use = {resource: amount for resource, amount in option.use.items() if resource in contested}
        if not any(all(amount <= use.get(resource, 0) for resource, amount in choice.use.items()) for choice in kept):
            kept.append(_Choice(option.cents, use, option))
    return kept


def _components(menus: list[list[_Choice]]) -> list[list[int]]:
    """Group orders that share a contested resource, directly or through others."""
    group = list(range(len(menus)))
    owner: dict[Resource, int] = {}
    for index, menu in enumerate(menus):
        for resource in {resource for choice in menu for resource in choice.use}:
            other = group[owner.setdefault(resource, index)]
            group = [group[index] if label == other else label for label in group]
    return [[i for i, label in enumerate(group) if label == wanted] for wanted in sorted(set(group))]


def _branch_and_bound(menus: list[list[_Choice]], capacity: dict[Resource, int]) -> list[Option]:
    """Try every choice, cheapest first, unless the rest alone cannot make the total better than the best.

    The bound gives every order that is still open the cheapest of its choices that fits what is left,
    as if it were alone. What was reached before with as much left of everything and at no higher cost is
    not tried again.
    """
    menus = sorted(menus, key=lambda menu: menu[-1].cents - menu[0].cents, reverse=True)
    best_cents = sum(menu[-1].cents for menu in menus) + 1
    best: list[Option] = []
    left = {resource: capacity[resource] for menu in menus for choice in menu for resource in choice.use}
    reached: dict[tuple[int, ...], int] = {}
    steps = 0

    def fits(choice: _Choice) -> bool:
        return all(amount <= left[resource] for resource, amount in choice.use.items())

    def descend(depth: int, cents: int, chosen: list[Option]) -> None:
        nonlocal best_cents, best, steps
        steps += 1
        if steps > MAX_STEPS:
            raise _TooManySteps
        if depth == len(menus):
            if cents < best_cents:
                best_cents, best = cents, chosen
            return
        state = (depth, *left.values())
        if reached.get(state, cents + 1) <= cents:
            return
        reached[state] = cents
        rest_cents = sum(next(choice.cents for choice in menu if fits(choice)) for menu in menus[depth + 1 :])
        for choice in menus[depth]:
            if cents + choice.cents + rest_cents >= best_cents:
                return
            if fits(choice):
                for resource, amount in choice.use.items():
                    left[resource] -= amount
                descend(depth + 1, cents + choice.cents, [*chosen, choice.option])
                for resource, amount in choice.use.items():
                    left[resource] += amount

    descend(0, 0, [])
    return best
