"""OAuth2 bearer tokens: signed by a known issuer, for this audience, not expired."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.problems import Problem
from api.security import SCOPES, Principal
from api.settings import Bearer

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
_KEYS_SECONDS = 300.0
_FETCH_APART_SECONDS = 10.0  # a token with an unknown key id cannot make us fetch more often


class TokenChecker:
    """Checks tokens against the issuer's keys, which are fetched when needed.

    Parameters
    ----------
    bearer : Bearer
        Issuer, audience and where the keys are.
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, bearer: Bearer, clock: Callable[[], float] = time.monotonic) -> None:
        self._bearer = bearer
        self._clock = clock
        self._keys: dict[str | None, Any] = {}
        self._fetched_at: float | None = None

    async def __call__(self, token: str) -> Principal:
        """Return who the token speaks for.

        Raises
        ------
        Problem
            401 when it is not valid; 503 when the keys cannot be had.
        """
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise jwt.InvalidAlgorithmError("the algorithm is not accepted")
            key = await self._key(header.get("kid"))
            if key is None:
                raise jwt.InvalidKeyError("the key id is unknown")
            claims = jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                issuer=self._bearer.issuer,
                audience=self._bearer.audience,
                options={"require": ["exp", "iss", "aud"]},
                leeway=10,
            )
        except jwt.PyJWTError as error:
            challenge = (("WWW-Authenticate", 'Bearer error="invalid_token"'),)
            raise Problem(401, "unauthenticated", f"the token is not valid: {error}", challenge) from None
        tenant = claims.get(self._bearer.tenant_claim)
        if not isinstance(tenant, str) or not 1 <= len(tenant) <= 128 or "\0" in tenant:
            raise Problem(401, "unauthenticated", f"the token names no {self._bearer.tenant_claim}")
        granted = claims.get("scope", "")
        words = granted.split() if isinstance(granted, str) else [str(word) for word in granted]
        scopes = frozenset(word for word in words if word in SCOPES)
        return Principal(tenant=tenant, scopes=scopes, name=str(claims.get("sub", ""))[:128])

    async def _key(self, key_id: str | None) -> Any:
        now = self._clock()
        age = None if self._fetched_at is None else now - self._fetched_at
        missing = key_id not in self._keys and (age is None or age > _FETCH_APART_SECONDS)
        if age is None or age > _KEYS_SECONDS or missing:
            await self._fetch()
            self._fetched_at = now
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    async def _fetch(self) -> None:
        import httpx
        import jwt
        import orjson

        place = self._bearer.jwks
        try:
            if place.startswith("https://"):
                async with httpx.AsyncClient(timeout=5.0) as client:
                    response = await client.get(place)
                    response.raise_for_status()
                    document = response.json()
            else:
                document = orjson.loads(Path(place).read_bytes())
            found = {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(document).keys}
        except (httpx.HTTPError, OSError, ValueError, jwt.PyJWTError) as error:
            if self._keys:
                return  # the ones we have are good until the issuer answers again
            detail = f"the issuer's keys cannot be had ({type(error).__name__})"
            raise Problem(503, "unavailable", detail, (("Retry-After", "5"),)) from error
        self._keys = dict(found)
