"""What one client may cost, and all of them together."""

from __future__ import annotations

CONNECTIONS = 256
"""More make room by closing the one that has been idle for longest."""

PENDING_BYTES = 16 * 1024 * 1024
"""Of all answers that wait for their clients; beyond it the slowest is closed."""

REQUEST_TIMEOUT_S = 5.0
"""For a whole request, the TLS handshake included, and for each progress of the answer."""

IDLE_TIMEOUT_S = 60.0
"""Between two requests of a kept connection."""

ANSWER_TIMEOUT_S = 90.0
"""For a whole answer, health checks included."""

ENDING_TIMEOUT_S = 1.0
"""For the client's end after ours."""

ACCEPTED_AT_ONCE = 64
"""Connections, before those that are there get their turn."""
