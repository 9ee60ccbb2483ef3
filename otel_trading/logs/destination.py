"""Where lines go: `sys.stdout` as it is at the moment of the call, written without waiting inside Python's locks.

A file descriptor is written with `os.write`, past the buffer that `print` uses: a thread that hangs in that buffer
holds its lock, and the interpreter then dies at exit. Lines are whole and in order among themselves; between them
and buffered `print` output no order is promised.
"""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import time
from typing import Any

_PIPE_CHUNK = getattr(select, "PIPE_BUF", 512)
"""POSIX: when a pipe polls writable, a write up to this size is atomic and does not block."""

_FILE_CHUNK = 262_144
_CAN_POLL = hasattr(select, "poll")


class Gone(Exception):
    """The destination takes no more; `reason` goes into the books."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Destination:
    """One stream that `sys.stdout` was.

    Attributes:
        stream: the stream itself.
        chunk: bytes of one write that does not block once the descriptor is writable.
        in_memory: True for streams such as `io.StringIO`, that the caller may write itself.
        direct: True if a caller may write the descriptor itself when it is writable.
        by_line: True for a stream of the application without a descriptor: it gets whole lines, one a write, so that
            a line it cannot take costs no other.
    """

    __slots__ = ("_descriptor", "_file", "by_line", "chunk", "direct", "in_memory", "stream")

    def __init__(self, stream: Any) -> None:
        """Looks the stream's kind up once; never raises."""
        self.stream = stream
        self.in_memory = isinstance(stream, io.StringIO) or isinstance(getattr(stream, "buffer", None), io.BytesIO)
        self._descriptor = -1 if self.in_memory else _descriptor(stream)
        self.by_line = self._descriptor < 0
        mode = _mode(self._descriptor)
        self._file = stat.S_ISREG(mode)
        device = stat.S_ISCHR(mode) and not os.isatty(self._descriptor)  # /dev/null; a terminal may be held by Ctrl-S
        self.direct = self._file or ((stat.S_ISFIFO(mode) or device) and _CAN_POLL)
        self.chunk = _FILE_CHUNK if self._file else _PIPE_CHUNK

    def write(self, chunk: bytes) -> int:
        """Writes what can be written now and returns its length; 0 if nothing can.

        Raises:
            Gone: the stream is closed, nobody reads the pipe any more, or the disk is full; `write_error` for
                whatever else a stream of the application raises. Other lines may still be written.
        """
        try:
            if self._descriptor < 0:
                return self._write_stream(chunk)
            if self.stream.closed:  # its descriptor may belong to a socket by now
                raise Gone("closed")
            return os.write(self._descriptor, chunk) if self.writable(0.0) else 0
        except Gone:
            raise
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            raise Gone("broken_pipe") from None
        except UnicodeError:  # a ValueError, but of this line
            raise Gone("write_error") from None
        except ValueError:  # Python's word for a closed stream
            raise Gone("closed") from None
        except OSError as error:
            raise Gone("closed" if error.errno == errno.EBADF else "write_error") from None
        except Exception:  # a foreign stream may raise anything; the line must not stay at the head of the queue
            raise Gone("write_error") from None

    def writable(self, timeout_s: float) -> bool:
        """True if a write of `chunk` bytes would not block, within `timeout_s`.

        Raises:
            Gone: the descriptor is closed or nobody reads it; asked before writing, so that no SIGPIPE is raised.
        """
        if self._descriptor < 0 or self._file or not _CAN_POLL:
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        state = dict(poll.poll(timeout_s * 1_000)).get(self._descriptor, 0)
        if state & select.POLLNVAL:
            raise Gone("closed")
        if state & select.POLLERR:
            raise Gone("broken_pipe")
        return bool(state & select.POLLOUT)

    def wait(self, timeout_s: float) -> None:
        """Waits until the descriptor may be writable, at most `timeout_s`; never raises."""
        try:
            ready = self.writable(timeout_s)
        except Gone:
            return
        if ready:  # it said so before and took nothing: do not spin
            time.sleep(min(timeout_s, 0.005))

    def _write_stream(self, chunk: bytes) -> int:
        self.stream.write(chunk.decode("utf-8", "replace"))
        if not self.in_memory:
            self.stream.flush()
        return len(chunk)


def _descriptor(stream: Any) -> int:
    try:
        descriptor = stream.fileno()
    except Exception:  # io.UnsupportedOperation, or whatever an application put in the place of sys.stdout
        return -1
    return descriptor if isinstance(descriptor, int) else -1


def _mode(descriptor: int) -> int:
    try:
        return os.fstat(descriptor).st_mode if descriptor >= 0 else 0
    except OSError:
        return 0
