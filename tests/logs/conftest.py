"""A pipeline with OTLP in memory, and lines in memory or in a pipe."""

import dataclasses

import orjson
import pytest
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from otel_trading.ground import clock, diagnostics
from otel_trading.logs import pipeline
from otel_trading.privacy.redaction import Redactor


@dataclasses.dataclass
class Logs:
    """A running pipeline and what came out of it."""

    pipeline: pipeline.LogPipeline
    exporter: InMemoryLogRecordExporter
    _capsys: pytest.CaptureFixture
    _seen: str = ""

    @property
    def text(self) -> str:
        """All lines so far; capsys gives each once."""
        self._seen += self._capsys.readouterr().out
        return self._seen

    @property
    def lines(self) -> list:
        return [orjson.loads(line) for line in self.text.splitlines()]

    @property
    def records(self) -> list:
        done = self.exporter.get_finished_logs()
        encode_logs(done).SerializeToString()
        return [record.log_record for record in done]

    def one(self):
        """The only line and the only record."""
        (line,), (record,) = self.lines, self.records
        return line, record


@pytest.fixture
def start(capsys):
    """Starts pipelines that write to pytest's in-memory stdout, and stops them."""
    started = []

    def begin(redactor=None, **options) -> Logs:
        exporter = InMemoryLogRecordExporter()
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        options = {"service": "risk", "level": "trace", "stdout": "json"} | options
        running = pipeline.start(pipeline.LogOptions(**options), provider, redactor or Redactor())
        started.append(running)
        return Logs(running, exporter, capsys)

    diagnostics.forget()
    yield begin
    for running in reversed(started):
        running.stop(clock.Deadline(5))
    assert diagnostics.troubles() == {}


@pytest.fixture
def logs(start) -> Logs:
    """One running pipeline: JSON lines, level trace."""
    return start()
