"""io.prometheus.client.MetricFamily, its descriptor built here, and pages of it read."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

_F = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "double": _F.TYPE_DOUBLE,
    "uint64": _F.TYPE_UINT64,
    "uint32": _F.TYPE_UINT32,
    "sint32": _F.TYPE_SINT32,
    "sint64": _F.TYPE_SINT64,
    "string": _F.TYPE_STRING,
    "int32": _F.TYPE_INT32,
}
# a star: repeated
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "LabelPair": {"name": (1, "string"), "value": (2, "string")},
    "Gauge": {"value": (1, "double")},
    "Untyped": {"value": (1, "double")},
    "Exemplar": {"label": (1, "LabelPair*"), "value": (2, "double"), "timestamp": (3, "Timestamp")},
    "Counter": {"value": (1, "double"), "exemplar": (2, "Exemplar"), "created_timestamp": (3, "Timestamp")},
    "Quantile": {"quantile": (1, "double"), "value": (2, "double")},
    "Summary": {"sample_count": (1, "uint64"), "sample_sum": (2, "double"), "quantile": (3, "Quantile*")},
    "Bucket": {"cumulative_count": (1, "uint64"), "upper_bound": (2, "double"), "exemplar": (3, "Exemplar")},
    "BucketSpan": {"offset": (1, "sint32"), "length": (2, "uint32")},
    "Histogram": {
        "sample_count": (1, "uint64"),
        "sample_sum": (2, "double"),
        "bucket": (3, "Bucket*"),
        "schema": (5, "sint32"),
        "zero_threshold": (6, "double"),
        "zero_count": (7, "uint64"),
        "positive_span": (12, "BucketSpan*"),
        "positive_delta": (13, "sint64*"),
        "created_timestamp": (15, "Timestamp"),
        "exemplars": (16, "Exemplar*"),
    },
    "Metric": {
        "label": (1, "LabelPair*"),
        "gauge": (2, "Gauge"),
        "counter": (3, "Counter"),
        "summary": (4, "Summary"),
        "untyped": (5, "Untyped"),
        "histogram": (7, "Histogram"),
    },
    "MetricFamily": {
        "name": (1, "string"),
        "help": (2, "string"),
        "type": (3, "int32"),
        "metric": (4, "Metric*"),
        "unit": (5, "string"),
    },
}


def _family() -> Any:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="prometheus.proto", package="p", syntax="proto2")
    file.dependency.append("google/protobuf/timestamp.proto")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            label = _F.LABEL_REPEATED if kind.endswith("*") else _F.LABEL_OPTIONAL
            kind = kind.rstrip("*")
            if kind in _TYPES:
                message.field.add(name=field, number=number, label=label, type=_TYPES[kind])
            else:
                full = ".google.protobuf.Timestamp" if kind == "Timestamp" else f".p.{kind}"
                message.field.add(name=field, number=number, label=label, type=_F.TYPE_MESSAGE, type_name=full)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("p.MetricFamily"))


Family = _family()


def families(page: bytes) -> list[Any]:
    """The messages of a page; nothing in them is unknown."""
    found, at = [], 0
    while at < len(page):
        size = shift = 0
        while True:
            byte = page[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        message = Family.FromString(page[at : at + size])
        assert message.SerializeToString(deterministic=True)
        found.append(message)
        at += size
    assert at == len(page)
    return found


def labels(metric: Any) -> dict[str, str]:
    """Of a metric or an exemplar."""
    return {pair.name: pair.value for pair in metric.label}


def buckets(histogram: Any) -> dict[int, int]:
    """Native buckets with values, by Prometheus' index."""
    found, count, deltas, at = {}, 0, iter(histogram.positive_delta), 0
    for span in histogram.positive_span:
        at += span.offset
        for _ in range(span.length):
            count += next(deltas)
            if count:
                found[at] = count
            at += 1
    assert next(deltas, None) is None
    return found
