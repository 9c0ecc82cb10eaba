"""Logs and spans as a whole process gives them, from the first request to after SIGTERM."""

import json
from pathlib import Path

import httpx
import pytest
from collector import collector
from house import TEXT, replica

pytestmark = pytest.mark.ops
TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_a_process_that_is_stopped_has_sent_its_spans_and_kept_texts_to_itself(
    home: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "x-request-id": "mine"}
    with collector() as collected:
        sent_to = collected.url
        with replica(home, log=log, TRACE_ENDPOINT=sent_to, LOG_LEVEL="debug") as one:
            url = f"{one.url}/v1/analyze"
            answer = httpx.post(url, json={"text": TEXT}, headers=headers, timeout=60)
            assert answer.status_code == 200
            one.process.terminate()
            assert one.process.wait(30) == 0
    (server,) = (span for span in collected.spans() if span.name == "POST /v1/analyze")
    children = [span for span in collected.spans() if span.parent_span_id == server.span_id]
    assert {span.name for span in children} == {"encode", "queue", "forward", "decode"}
    assert {span.trace_id.hex() for span in [server, *children]} == {TRACE}
    written = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    (line,) = (line for line in written if line.get("request_id") == "mine")
    assert (line["event"], line["trace_id"], line["status"]) == ("request", TRACE, 200)
    assert TEXT not in log.read_text("utf-8")
    assert TEXT.encode() not in b"".join(one.SerializeToString() for one in collected.groups)


def test_a_collector_that_is_not_there_delays_the_exit_by_seconds(home: Path) -> None:
    """It ends well, and long before the exporter would give up by itself."""
    with replica(home, TRACE_ENDPOINT="http://127.0.0.1:9/v1/traces") as one:
        answer = httpx.post(f"{one.url}/v1/sentiment", json={"text": TEXT}, timeout=60)
        assert answer.status_code == 200
        one.process.terminate()
        assert one.process.wait(60) == 0
