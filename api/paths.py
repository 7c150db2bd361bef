"""Finding the call of a path. Segments are split before they are decoded, so an id may hold a slash."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from api.calls import Spec
from api.problems import Problem, invalid, not_found

MAX_SEGMENT = 128  # characters of an id

Methods = dict[str, Spec]


class Paths:
    """All calls, by path.

    Parameters
    ----------
    specs : iterable of Spec
        The calls.
    """

    def __init__(self, specs: Iterable[Spec]) -> None:
        self._fixed: dict[bytes, Methods] = {}
        self._open: dict[int, list[tuple[list[_Segment], Methods]]] = {}
        by_path: dict[str, Methods] = {}
        for spec in specs:
            methods = by_path.setdefault(spec.path, {})
            if spec.method in methods:
                raise ValueError(f"{spec.method} {spec.path} is declared twice")
            methods[spec.method] = spec
        for path, methods in by_path.items():
            segments = [_Segment(text) for text in path.split("/")]
            if any(segment.name for segment in segments):
                self._open.setdefault(len(segments), []).append((segments, methods))
            else:
                self._fixed[path.encode()] = methods
        for listed in self._open.values():  # a fixed segment or a verb before an open one
            listed.sort(key=lambda entry: [segment.rank for segment in entry[0]])

    def find(self, method: str, raw_path: bytes) -> tuple[Spec, dict[str, str]]:
        """Return the call and the values in its path.

        Raises
        ------
        Problem
            404, or 405 with the methods that there are.
        """
        methods = self._fixed.get(raw_path)
        if methods is not None:
            return _of(methods, method), {}
        parts = raw_path.split(b"/")
        nearest: Methods | None = None
        for segments, methods in self._open.get(len(parts), ()):
            values: dict[str, str] = {}
            if all(segment.take(part, values) for segment, part in zip(segments, parts)):
                if method in methods:
                    return methods[method], values
                nearest = nearest or methods
        if nearest is None:
            raise not_found("this path")
        return _of(nearest, method), {}


def _of(methods: Methods, method: str) -> Spec:
    spec = methods.get(method)
    if spec is None:
        allowed = ", ".join(sorted(methods))
        raise Problem(405, "method-not-allowed", f"{method[:20]} is not one of {allowed}", (("Allow", allowed),))
    return spec


class _Segment:
    """One segment of a declared path: a word, or a name with what has to follow its value."""

    def __init__(self, text: str) -> None:
        self.name = ""
        self._end = b""
        self._word = text.encode()
        if text.startswith("{"):
            self.name, _, end = text[1:].partition("}")
            self._end = end.encode()
        self.rank = 0 if not self.name else 1 if self._end else 2

    def take(self, part: bytes, values: dict[str, str]) -> bool:
        if not self.name:
            return part == self._word
        if self._end:
            if not part.endswith(self._end):
                return False
            part = part[: -len(self._end)]
        if not part:
            return False
        try:
            value = unquote_to_bytes(part).decode("utf-8")
        except UnicodeDecodeError:
            raise invalid(f"{self.name} in the path is not UTF-8") from None
        if len(value) > MAX_SEGMENT or "\0" in value:
            raise invalid(f"{self.name} in the path is not a text of 1 to {MAX_SEGMENT} characters")
        values[self.name] = value
        return True
