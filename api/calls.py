"""Calls: each is declared once, and routing, checks and the OpenAPI document follow from the declaration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from api.answers import JSON, Answer, Stream
from api.problems import Problem, invalid
from api.security import Principal, Scope

if TYPE_CHECKING:
    from api.service import Service

Method = Literal["GET", "PUT", "POST", "DELETE"]
Size = Literal["small", "large"]


@dataclass(slots=True)
class Call:
    """One request, once it has been let in and its parts were checked.

    Parameters
    ----------
    service : Service
        The parts that answer.
    principal : Principal
        Who calls, and for which tenant.
    spec : Spec
        The declaration.
    request_id : str
        In every log line and problem.
    path : dict
        The values in the path.
    query : BaseModel or None
        The query, checked.
    body : BaseModel or None
        The body, checked.
    raw : bytes
        The body as it came.
    headers : mapping of bytes
        The request's.
    """

    service: Service
    principal: Principal
    spec: Spec
    request_id: str
    path: dict[str, str]
    query: Any
    body: Any
    raw: bytes
    headers: Mapping[bytes, bytes]

    @property
    def tenant(self) -> str:
        """Whose data the call sees."""
        return self.principal.tenant

    @property
    def media_type(self) -> str:
        """The type of the body, without parameters."""
        return media_type(self.headers)

    def if_match(self) -> int | None:
        """Return the version that the client expects, if it says so.

        Raises
        ------
        Problem
            428 where the call needs one and has none; 422 for what is no version of ours.
        """
        found = self.headers.get(b"if-match")
        if found is None:
            if self.spec.if_match == "required":
                raise Problem(428, "precondition-required", 'send If-Match with the version, such as "3"')
            return None
        text = found.decode("latin-1").strip()
        if text == "*":
            return None
        if len(text) > 2 and text[0] == text[-1] == '"' and text[1:-1].isascii() and text[1:-1].isdigit():
            return min(int(text[1:-1][:19]), 2**62)
        raise invalid(f'If-Match is {text[:40]}, expected one version such as "3"')


Answering = Callable[[Call], Awaitable[Answer | Stream]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Spec:
    """The declaration of a call.

    Parameters
    ----------
    method, path : str
        Where it is; ``{name}`` stands for one segment, ``{name}:verb`` for one that ends so.
    noun : str
        The group in the documentation.
    summary : str
        What it does, in one line.
    answer : callable
        Answers it.
    scope : str or None
        What the credential has to allow; None: no credential is asked for.
    or_scope : str or None
        A scope that will do as well; what it allows, the call has to tell.
    body, query : type or None
        Models of body and query.
    raw_schema : str or None
        The schema of a body that the call checks by itself.
    takes : tuple of str
        Types of body.
    size : str
        Which limit the body has.
    answers : mapping of int to type or str
        What it can answer when all is well: a model, or a media type for what is not JSON.
    problems : tuple of int
        Statuses of problems besides those that every call has.
    example, answer_example : object
        A body, and what comes back.
    replays : bool
        Whether it takes ``Idempotency-Key``.
    streams : bool
        Whether its answer has no end that is known.
    if_match : str or None
        Whether it takes ``If-Match``.
    description : str
        More for the reader.
    """

    method: Method
    path: str
    noun: str
    summary: str
    answer: Answering
    scope: Scope | None
    or_scope: Scope | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    raw_schema: str | None = None
    takes: tuple[str, ...] = (JSON,)
    size: Size = "small"
    answers: Mapping[int, Any] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    example: Any = None
    answer_example: Any = None
    replays: bool = False
    streams: bool = False
    if_match: Literal["optional", "required"] | None = None
    description: str = ""

    @property
    def has_body(self) -> bool:
        """Whether a body is expected."""
        return self.body is not None or self.raw_schema is not None or self.takes != (JSON,)


def media_type(headers: Mapping[bytes, bytes]) -> str:
    """Return the type of a body, without parameters."""
    return headers.get(b"content-type", b"").split(b";", 1)[0].strip().lower().decode("latin-1")
