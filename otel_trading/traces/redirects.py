"""Takes trace headers off a request that follows a redirect to a host which must not have them.

requests copies the headers of the first request to the next, and its instrumentation injects only once, for the first.
Clients that are instrumented at each hop need nothing: there the guarded propagator takes the headers off.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import wrapt

from otel_trading.ground import diagnostics
from otel_trading.privacy.destinations import Destinations

_guard: tuple[frozenset[str], Destinations] | None = None
_hooked = False


def guard(fields: Iterable[str], destinations: Destinations) -> None:
    """Begins to guard redirects of requests, whenever it is imported.

    Args:
        fields: header names of the propagator.
        destinations: where they may go.
    """
    global _guard, _hooked
    _guard = frozenset(field.lower() for field in fields), destinations
    if not _hooked:
        _hooked = True
        wrapt.register_post_import_hook(_wrap, "requests.sessions")


def let_go() -> None:
    """Guards no longer; the wrapper stays and passes on."""
    global _guard
    _guard = None


def _wrap(module: Any) -> None:
    # rebuild_auth is requests' own place for taking credentials off before a redirect
    wrapt.wrap_function_wrapper(module, "SessionRedirectMixin.rebuild_auth", _rebuild_auth)


def _rebuild_auth(wrapped: Any, _session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        _take_off(args[0] if args else kwargs["prepared_request"])
    except Exception as error:
        diagnostics.trouble("traces.redirect_failed", "the headers of a redirect could not be looked at: %r", error)
    return wrapped(*args, **kwargs)


def _take_off(request: Any) -> None:
    if _guard is None:
        return
    fields, destinations = _guard
    host = urlsplit(request.url).hostname
    if host is None or not destinations.allows(host):
        for key in [key for key in request.headers if key.lower() in fields]:
            del request.headers[key]
