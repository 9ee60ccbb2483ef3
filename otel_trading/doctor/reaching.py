"""The first hop: does what the service sends reach a collector, and if not, why. Pure: evidence in, finding out."""

from __future__ import annotations

from dataclasses import dataclass

from otel_trading.doctor.delivered import Delivery
from otel_trading.doctor.finding import Finding, failed, ok, warning
from otel_trading.doctor.route import NOUNS, Route
from otel_trading.doctor.speech import Speech
from otel_trading.stores.errors import Cause

_VARIABLE = {"traces": "TRACES", "logs": "LOGS", "metrics": "METRICS"}
_USUAL = "4318 for http/protobuf, 4317 for grpc"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else is known about the collector.

    Attributes:
        healthy: its health check answers; None if nobody said where it is.
        neighbours: other ports of the same host at which an OTLP receiver was heard, with its protocol.
        known: what the configuration says listens at this place, such as `Jaeger`; empty for nothing.
        sibling: another signal was taken at the same place.
    """

    healthy: bool | None = None
    neighbours: tuple[tuple[int, str], ...] = ()
    known: str = ""
    sibling: bool = False


def hop_name(signal: str) -> str:
    """The finding's name."""
    return f"{NOUNS[signal]}: service to collector"


def diagnose(route: Route, speech: Speech, delivery: Delivery, around: Surroundings) -> Finding:
    """The finding about one exporter."""
    if delivery.whole and (route.grpc or not (speech.is_web_page or (speech.is_json and around.known))):
        return ok(hop_name(route.signal), f"{route.place} took it by {route.protocol}", delivery.seconds)
    for look in (_unreached, _tls_mismatch, _other_protocol, _no_receiver, _refused, _grpc_refused):
        found = look(route, speech, delivery, around)
        if found is not None:
            return found
    return _unexplained(route, speech, delivery)


def _fail(route: Route, detail: str, cause: str, remedy: str, fault: str) -> Finding:
    return failed(hop_name(route.signal), detail, cause, remedy, fault)


def _endpoint(route: Route) -> str:
    return f"OTEL_EXPORTER_OTLP_ENDPOINT (or OTEL_EXPORTER_OTLP_{_VARIABLE[route.signal]}_ENDPOINT)"


def _unreached(route: Route, speech: Speech, delivery: Delivery, around: Surroundings) -> Finding | None:
    if speech.unreached is None:
        return None
    detail = f"{route.place}: {speech.unreached.value}" + (f" ({speech.detail})" if speech.detail else "")
    if speech.unreached is Cause.UNRESOLVED:
        cause = (
            f"The host name {route.host!r} in the endpoint is misspelt, or this machine's resolver does not know it."
        )
        return _fail(route, detail, cause, f"Correct {_endpoint(route)}.", "unknown_host")
    if speech.unreached is not Cause.REFUSED:
        cause = "A firewall drops the packets, or the host is down: even a refusal does not come back."
        remedy = f"Open the way from here to {route.place}, or correct {_endpoint(route)}."
        return _fail(route, detail, cause, remedy, "unreachable")
    if around.neighbours:
        port, protocol = around.neighbours[0]
        cause = f"The port is wrong: on the same host a receiver of {protocol} listens at port {port}."
        remedy = f"Set {_endpoint(route)} to port {port}, with OTEL_EXPORTER_OTLP_PROTOCOL={protocol}."
        return _fail(route, detail, cause, remedy, "wrong_port")
    if around.healthy:
        cause = "The port is wrong: the collector runs, as its health check says, and does not listen there."
        remedy = f"Set {_endpoint(route)} to the collector's OTLP port ({_USUAL}, unless its configuration says else)."
        return _fail(route, detail, cause, remedy, "wrong_port")
    cause = "The collector does not run" + (
        ": its health check does not answer either." if around.healthy is False else ", or listens at another port."
    )
    remedy = f"Start the collector, or set {_endpoint(route)} to where it listens ({_USUAL})."
    return _fail(route, detail, cause, remedy, "collector_down")


def _tls_mismatch(route: Route, speech: Speech, delivery: Delivery, around: Surroundings) -> Finding | None:
    if not route.tls and speech.tls:
        cause = "The receiver speaks TLS, the service does not."
        insecure = " and take OTEL_EXPORTER_OTLP_INSECURE away" if route.grpc else ""
        remedy = f"Begin {_endpoint(route)} with https://{insecure}."
        return _fail(route, f"{route.place} speaks TLS and is asked without", cause, remedy, "tls_mismatch")
    if route.tls and not speech.tls:
        cause = "The service speaks TLS, the receiver does not."
        remedy = f"Begin {_endpoint(route)} with http://, or give the collector's receiver a certificate."
        return _fail(
            route, f"{route.place} is asked by TLS: {speech.tls_problem or 'no answer'}", cause, remedy, "tls_mismatch"
        )
    if route.tls and speech.tls_problem:
        cause, remedy = _certificate(route, speech.tls_problem)
        return _fail(route, f"{route.place}: TLS failed: {speech.tls_problem}", cause, remedy, "tls_mismatch")
    return None


def _certificate(route: Route, problem: str) -> tuple[str, str]:
    """Why a certificate is not accepted, and what to do."""
    text = problem.lower()
    if "mismatch" in text or "not valid for" in text:
        return (
            f"The receiver's certificate is not for {route.host!r}.",
            f"Write in {_endpoint(route)} a name that stands in the certificate, or issue one for {route.host!r}.",
        )
    if "expired" in text or "not yet valid" in text:
        return "The receiver's certificate is out of its time, or a clock is wrong.", "Renew it, or set the clock."
    if "issuer" in text or "self" in text:
        return (
            "The authority that signed the receiver's certificate is not known here.",
            "Name its file in OTEL_EXPORTER_OTLP_CERTIFICATE.",
        )
    return (
        "The receiver ends the handshake: it may ask for a certificate of the client.",
        "Set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY, and look into its log.",
    )


def _other_protocol(route: Route, speech: Speech, delivery: Delivery, around: Surroundings) -> Finding | None:
    if not route.grpc and speech.http2 and not speech.http:
        cause = "The port speaks gRPC, the service http/protobuf."
        remedy = f"Set OTEL_EXPORTER_OTLP_PROTOCOL=grpc, or {_endpoint(route)} to the port for HTTP (usually 4318)."
        return _fail(route, f"{route.place} does not speak HTTP/1.1", cause, remedy, "wrong_protocol")
    if route.grpc and speech.http and not speech.http2:
        cause = "The port speaks http/protobuf, the service gRPC."
        remedy = (
            f"Set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or {_endpoint(route)} to the port for gRPC (usually 4317)."
        )
        return _fail(route, f"{route.place} does not speak gRPC", cause, remedy, "wrong_protocol")
    if not (speech.http or speech.http2):
        what = f"says {speech.words!r}" if speech.words else "says nothing"
        cause = "What listens there is neither an OTLP receiver nor any web server, or it hangs."
        remedy = f"Set {_endpoint(route)} to the collector's OTLP port ({_USUAL})."
        return _fail(route, f"{route.place} {what}", cause, remedy, "no_receiver")
    return None


def _no_receiver(route: Route, speech: Speech, delivery: Delivery, around: Surroundings) -> Finding | None:
    """An HTTP server that does not know the path."""
    taken = speech.is_web_page or (speech.is_json and around.known != "")
    if route.grpc or not (taken or speech.status in (301, 302, 307, 308, 400, 404, 405)):
        return None
    if speech.status == 404 and around.sibling:
        cause = f"The collector takes other signals there and has no pipeline for {NOUNS[route.signal]}."
        remedy = _without_pipeline(route.signal)
        return _fail(route, f"{route.place} answers 404 to {route.path}", cause, remedy, "no_pipeline")
    who = f"{around.known} listens there" if around.known else "a web server listens there"
    seen = "a web page" if speech.is_web_page else f"{speech.status} {speech.words}".strip()
    lost = " The service takes the answer for success, so that all is lost in silence." if taken else ""
    return _fail(
        route,
        f"{route.place}{route.path} answers {seen}",
        f"The port or path is wrong: {who} and no OTLP receiver.{lost}",
        f"Set {_endpoint(route)} to the collector's OTLP port ({_USUAL}).",
        "wrong_port",
    )


def _without_pipeline(signal: str) -> str:
    if signal == "metrics":
        return (
            "Let Prometheus scrape the service: OTEL_METRICS_EXPORTER=prometheus. Or give the collector a pipeline of "
            "metrics with an otlp receiver."
        )
    return f"Give the collector a pipeline of {signal}, or set OTEL_{_VARIABLE[signal]}_EXPORTER=none."


def _refused(route: Route, speech: Speech, delivery: Delivery, around: Surroundings) -> Finding | None:
    """A receiver that says no."""
    status = speech.status
    if route.grpc or status < 400:
        return None
    detail = f"{route.place} answers {status} {speech.words}".strip()
    if status in (401, 403):
        cause = "The receiver asks for credentials that the service does not send, or does not accept them."
        return _fail(route, detail, cause, "Set OTEL_EXPORTER_OTLP_HEADERS.", "credentials")
    if status in (429, 502, 503, 504):
        cause = "The collector is overloaded (its memory limit refuses), or a proxy does not reach it."
        remedy = "Look at otelcol_processor_refused_* and at the collector's memory; give it more, or a second one."
        return _fail(route, detail, cause, remedy, "overloaded")
    return _fail(
        route, detail, "The receiver fails at the request.", "Look into the collector's log.", "receiver_fails"
    )


_GRPC = {
    "UNAUTHENTICATED": "credentials",
    "PERMISSION_DENIED": "credentials",
    "RESOURCE_EXHAUSTED": "overloaded",
    "UNAVAILABLE": "overloaded",
}


def _grpc_refused(route: Route, speech: Speech, delivery: Delivery, around: Surroundings) -> Finding | None:
    code = delivery.grpc_code(route.signal) if route.grpc else ""
    if not code:
        return None
    detail = f"{route.place} answers {code}"
    if code == "UNIMPLEMENTED":
        cause = f"The receiver does not take {NOUNS[route.signal]}: the collector has no pipeline for them."
        return _fail(route, detail, cause, _without_pipeline(route.signal), "no_pipeline")
    fault = _GRPC.get(code, "receiver_fails")
    cause = {
        "credentials": "The receiver asks for credentials that the service does not send, or does not accept them.",
        "overloaded": "The collector is overloaded (its memory limit refuses), or a proxy does not reach it.",
    }.get(fault, "The receiver fails at the request.")
    remedy = {"credentials": "Set OTEL_EXPORTER_OTLP_HEADERS."}.get(fault, "Look into the collector's log.")
    return _fail(route, detail, cause, remedy, fault)


def _unexplained(route: Route, speech: Speech, delivery: Delivery) -> Finding:
    """The port is right as far as one can hear, and still it was not delivered."""
    lost = ", ".join(f"{count} {reason}" for reason, count in delivery.dropped.items())
    said = delivery.said[-1] if delivery.said else ""
    if delivery.delivered:
        cause = "The receiver took a part only, or another exporter of the same signal fails."
        return warning(
            hop_name(route.signal), f"{lost or 'something'} lost", cause, said or "See its log.", "partly_lost"
        )
    detail = f"{route.place} was reached and took nothing: {lost or 'no answer in time'}"
    cause = "The receiver answers too slowly or refuses what it is sent."
    return _fail(route, detail, cause, said or "Look into the collector's log.", "not_taken")
