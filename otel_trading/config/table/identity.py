"""Who is speaking: the service and where it runs."""

from __future__ import annotations

from otel_trading.config.kinds import Pairs, Text, Words
from otel_trading.config.knob import Knob


def identity() -> list[Knob]:
    """The knobs of this group, in the order of the reference page."""
    group = "Who is speaking"
    return [
        Knob(
            group,
            "service_name",
            Text(),
            None,
            "Name of the service; without it `unknown_service:` and the program's name.",
            standard=("OTEL_SERVICE_NAME",),
        ),
        Knob(group, "namespace", Text(), None, "Group of services that belong together (`service.namespace`)."),
        Knob(group, "version", Text(), None, "Version of the service (`service.version`)."),
        Knob(
            group,
            "instance_id",
            Text(),
            None,
            "Identity of this process (`service.instance.id`); a random UUID unless set.",
        ),
        Knob(
            group,
            "environment",
            Text(),
            None,
            "Deployment environment such as prod (`deployment.environment.name`).",
        ),
        Knob(group, "desk", Text(), None, "Trading desk (`trading.desk`) of the whole process.", own_node=True),
        Knob(group, "venue", Text(), None, "Venue (`trading.venue`) of the whole process.", own_node=True),
        Knob(group, "strategy", Text(), None, "Strategy (`trading.strategy`) of the whole process.", own_node=True),
        Knob(
            group,
            "resource_attributes",
            Pairs(),
            {},
            "Further resource attributes.",
            standard=("OTEL_RESOURCE_ATTRIBUTES",),
        ),
        Knob(
            group,
            "resource_detectors",
            Words(),
            (),
            "Further resource detectors by the name of their entry point.",
            standard=("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",),
        ),
    ]
