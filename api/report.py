"""The report: the page's figures of one plan as one HTML file, with everything in it."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import orjson

from api.page_files import FOLDER

_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{styles}</style>
</head>
<body>
<main id="main">
<noscript>The charts of this report need JavaScript; its figures are in the element "data".</noscript>
</main>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def report_html(
    figures: Mapping[str, Any],
    baseline: Mapping[str, Any] | None = None,
    comparison: Mapping[str, Any] | None = None,
) -> str:
    """Return the report as a document that asks for nothing from elsewhere.

    Parameters
    ----------
    figures : mapping
        Of `api.figures.figures_document`.
    baseline : mapping, optional
        The same of the plan that differences are against.
    comparison : mapping, optional
        ``same_batch`` and ``certainty`` of `api.views.comparison_document`; goes with the baseline.
    """
    script = (FOLDER / "report" / "report.js").read_text("utf-8").strip()
    styles = (FOLDER / "report" / "report.css").read_text("utf-8").strip()
    if "</script" in script.lower() or "<!--" in script or "</style" in styles.lower():
        raise RuntimeError("the built report would end its own element: run make page")
    data = {
        "figures": figures,
        "baseline": baseline,
        "comparison": comparison,
        "made_by": f"Made by nodewise {version('nodewise')}.",
    }
    return _TEMPLATE.format(
        policy=html.escape(_policy(script), quote=True),
        title=html.escape(str(figures["name"])),
        styles=styles,
        data=_in_script(data),
        script=script,
    )


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; base-uri 'none'"


def _in_script(data: Mapping[str, Any]) -> str:
    """Return JSON that nothing in it can end: no mark of HTML is left as it is."""
    text = orjson.dumps(data).decode()
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text
