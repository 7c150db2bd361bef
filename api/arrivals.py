"""What is known of a request from its first byte on, and what is found out about it on its way."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastapi import Request

from api.calls import Spec
from api.security import Principal


@dataclass(slots=True)
class Arrival:
    """A request on its way.

    Parameters
    ----------
    request_id : str
        In every log line and problem.
    headers : dict of bytes
        The request's.
    spec : Spec or None
        The declaration of the call, once it is found.
    path : dict
        The values in the path, decoded.
    principal : Principal or None
        Who calls, once they were let in.
    """

    request_id: str
    headers: dict[bytes, bytes]
    spec: Spec | None = None
    path: dict[str, str] = field(default_factory=dict)
    principal: Principal | None = None


def arrival_of(request: Request) -> Arrival:
    """Return what is known of a request."""
    found: Arrival = request.state.arrival
    return found
