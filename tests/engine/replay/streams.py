"""Small streams for the tests: odd ones drawn from a seed, and all kinds of strategies to play on them."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from engine.replay.documents import Stream, read_stream
from engine.replay.guide import GuideParams
from engine.replay.one_by_one import ByCost
from engine.replay.strategies import RULES, strategy_of
from engine.replay.turns import Strategy
from engine.replay.windows import InWindows
from tests.drawing import draw_batch

Document = dict[str, Any]

EAGER = GuideParams(every_minutes=1440, ahead_days=2, n_forecasts=1)
STRATEGIES: tuple[Strategy, ...] = (
    *(strategy_of(name) for name in (*RULES, "cheapest")),
    ByCost(name="guided", guide=EAGER),
    InWindows(name="windows", turn_minutes=180),
    InWindows(name="guided_windows", turn_minutes=300, guide=EAGER),
    InWindows(name="reopt", turn_minutes=240, release_minutes=900, change_cents=5),
)


def drawn_stream(seed: int) -> Document:
    """A drawn batch whose orders come within three days, often at the same instant or at a cutoff; nodes say no."""
    document = draw_batch(seed)
    rng = random.Random(seed)
    begin = datetime.fromisoformat(document["policy"]["as_of"])
    moments = [begin, begin + timedelta(hours=rng.randint(1, 60)), begin + timedelta(days=1, microseconds=1)]
    placed = [
        rng.choice(moments) if rng.random() < 0.4 else begin + timedelta(seconds=rng.uniform(0, 3 * 86400))
        for _ in document["orders"]
    ]
    document["stream"] = [
        {"order_id": order["order_id"], "placed_at": moment.isoformat()}
        for order, moment in zip(document["orders"], placed)
    ]
    document["rejects"] = [
        {"node_id": node["node_id"], "reject_bp": rng.choice([0, 2500, 7000])}
        for node in document["nodes"]
        if rng.random() < 0.5
    ]
    return document


def stream_of(document: Document, folder: Path) -> Stream:
    """Read a stream that is a document."""
    path = folder / "stream.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return read_stream(path)
