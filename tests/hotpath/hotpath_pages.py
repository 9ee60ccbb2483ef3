"""Families and pages as the tests of both engines make them."""

from __future__ import annotations

from typing import Any

NO_NAMES = (b"", b"", b"", b"", b"")


def family(engine: Any, type: str = "histogram", name: str = "h") -> Any:
    """With a TYPE line in both text formats."""
    head = f"# TYPE {name} {type}\n".encode()
    value, created = f"{name}_total" if type == "counter" else name, f"{name}_created"
    names = [value, f"{name}_bucket", f"{name}_sum", f"{name}_count"]
    text = (*(one.encode() for one in names), b"")
    open_names = (*text[:4], created.encode() if type in ("counter", "histogram") else b"")
    text_head = head.replace(name.encode(), value.encode(), 1) if type == "counter" else head
    number = {"counter": 0, "gauge": 1, "unknown": 3, "histogram": 4}[type]
    encoded = bytes((10, len(value))) + value.encode() + bytes((24, number))
    return engine.Family(type, (text_head, head, encoded), text, open_names)


def page(engine: Any, items: list[Any], format: str = "text", labels: Any = None) -> bytes:
    """All parts."""
    return b"".join(engine.render(items, format, labels))


def lines(engine: Any, items: list[Any], format: str = "text", labels: Any = None) -> list[str]:
    """Without heads."""
    return [line for line in page(engine, items, format, labels).decode().splitlines() if not line.startswith("# ")]
