"""The network: nodes, services, rates, bands, lanes, items and policy, one version at a time."""

from __future__ import annotations

import asyncio

from api.answers import JSON, Answer, etag
from api.calls import Call, Spec
from api.desks import utc_now
from api.examples import NETWORK
from api.ledger_answers import json_response
from api.models.feeds import NetworkReply
from api.networks import parse_network
from api.problems import Problem, not_found
from engine.ledger import Response
from engine.ledger.commands import PutNetwork
from engine.ledger.outcomes import NetworkStored


async def put_network(call: Call) -> Answer:
    """Check a network whole and store it as the next version."""
    if b"\\u0000" in call.raw:
        raise Problem(400, "malformed-json", "a text holds a NUL")
    network = await asyncio.to_thread(parse_network, call.raw, utc_now())

    def write(outcome: NetworkStored) -> Response:
        tables = network.tables
        counts = {name: tables[name].num_rows for name in ("nodes", "items", "services")}
        return json_response({"version": outcome.version, **counts}, ETag=f'"{outcome.version}"')

    command = PutNetwork(
        document=await asyncio.to_thread(network.document), limits=network.limits(), if_match=call.if_match()
    )
    answer = await call.service.command(call, command, write)
    if answer.status == 200:
        await call.service.desks.refresh(call.tenant)
    return answer


async def get_network(call: Call) -> Answer:
    """Return the current network."""
    found = await call.service.read(call.service.ledger.network, call.tenant)
    if found is None:
        raise not_found("a network")
    return Answer(body=found.document, headers=(etag(found.version),))


CALLS = (
    Spec(
        method="PUT",
        path="/v1/network",
        noun="network",
        summary="Replace the network: policy, nodes, items, services, rates, bands, lanes, capacities, closures.",
        description=(
            "The tables are those of the sourcing model, as lists of objects. All of it is checked; the first 100 "
            "faults are listed and nothing is stored. `policy.as_of` stays out: the service decides now. "
            "Answered when this replica decides on it."
        ),
        answer=put_network,
        scope="network:write",
        takes=(JSON,),
        raw_schema="Network",
        size="large",
        answers={200: NetworkReply},
        example=NETWORK,
        answer_example={"version": 1, "nodes": 2, "items": 2, "services": 1},
        problems=(409,),
        replays=True,
        if_match="optional",
    ),
    Spec(
        method="GET",
        path="/v1/network",
        noun="network",
        summary="The current network, with every default filled in.",
        answer=get_network,
        scope="read",
        answers={200: JSON},
        problems=(404,),
    ),
)
