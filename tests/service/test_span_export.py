"""Where spans go: to a real collector, before the process ends; and what happens without one."""

import sys
import threading

import pytest
from collector import collector
from serving import scripted
from typer.testing import CliRunner

from service.commands import app
from service.fakes import ScriptedModel, scripted_tagger
from service.settings import Settings
from service.tracing import MissingExtraError, NoTracer, open_tracer

pytestmark = pytest.mark.anyio
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STAGES = ["encode", "queue", "forward", "decode"]


async def test_a_collector_receives_everything_before_the_process_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=tests")
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    with collector() as collected:
        async with scripted(scripted_tagger(), trace_endpoint=collected.url) as (service, client):
            await client.post("/v1/tags", json={"text": "Rome is lovely!"}, headers=headers)
            await service.flush()
    assert sorted(span.name for span in collected.spans()) == sorted(["POST /v1/tags", *STAGES])
    for span in collected.spans():
        assert span.trace_id == bytes.fromhex(TRACE)
        assert span.start_time_unix_nano <= span.end_time_unix_nano
    assert collected.headers[0]["authorization"] == "Bearer abc"
    assert collected.resource()["service.name"] == "valence"
    assert collected.resource()["deployment.environment.name"] == "tests"
    assert b"Rome" not in b"".join(group.SerializeToString() for group in collected.groups)


class Stubborn(NoTracer):
    """Never done."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Event(), threading.Event()

    def close(self) -> None:
        self.entered.set()
        self.open.wait(10)


async def test_a_collector_that_hangs_holds_up_nothing() -> None:
    tracer = Stubborn()
    async with scripted(ScriptedModel(), tracer=tracer) as (service, _):
        await service.flush(seconds=0.05)
        assert tracer.entered.is_set()
        assert not tracer.open.is_set()
        tracer.open.set()


def test_spans_are_off_where_nothing_is_set() -> None:
    assert isinstance(open_tracer(Settings()), NoTracer)


def test_an_endpoint_without_the_extra_is_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "service.otlp")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    url = "http://127.0.0.1:9/v1/traces"
    with pytest.raises(MissingExtraError, match=r"valence-nlp\[tracing\]"):
        open_tracer(Settings(trace_endpoint=url))
    ran = CliRunner().invoke(app, ["--trace-endpoint", url, "--store", "memory"])
    assert ran.exit_code == 2
    assert "OpenTelemetry is not installed" in ran.output


@pytest.mark.parametrize("url", ["localhost:4318", "ftp://x", "http://user:secret@host/v1/traces"])
def test_an_endpoint_is_a_plain_url(url: str) -> None:
    with pytest.raises(ValueError, match="trace_endpoint"):
        Settings(trace_endpoint=url)
