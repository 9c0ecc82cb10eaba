"""The OpenAPI document, and requests made from it: nothing but what it promises."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from serving import ScriptedService, in_thread, scripted

from model_store import open_store
from service.fakes import (
    ScriptedModel,
    scripted_finder,
    scripted_judge,
    scripted_pairs,
    scripted_tagger,
    scripted_writer,
)

OPERATIONS = {
    ("post", "/v1/sentiment"),
    ("post", "/v1/tags"),
    ("post", "/v1/aspects"),
    ("post", "/v1/analyze"),
    ("post", "/v1/score"),
    ("post", "/v1/generate"),
    ("post", "/v1/feedback"),
    ("get", "/v1/models"),
    ("get", "/v1/models/{name}"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
}


@pytest.mark.anyio
async def test_the_document_describes_every_route() -> None:
    limits: dict[str, Any] = {"max_texts": 7, "max_aspects": 5, "max_new_tokens": 9}
    times: dict[str, Any] = {"max_timeout_ms": 900, "default_timeout_ms": 800}
    async with scripted(ScriptedModel(), **limits, **times) as (_, client):
        found = (await client.get("/openapi.json")).json()
    operations = {(verb, path) for path, verbs in found["paths"].items() for verb in verbs}
    assert operations == OPERATIONS
    schemas = found["components"]["schemas"]
    assert schemas["SentimentBody"]["properties"]["texts"]["anyOf"][0]["maxItems"] == 7
    assert schemas["TagsBody"]["properties"]["timeout_ms"]["maximum"] == 900
    asked = schemas["AspectsBody"]["properties"]["texts"]["anyOf"][0]["items"]["anyOf"][-1]
    assert asked["properties"]["aspects"]["maxItems"] == 5
    assert schemas["AnalyzeBody"]["properties"]["aspects"]["maxItems"] == 5
    assert schemas["GenerateBody"]["properties"]["max_new_tokens"]["maximum"] == 9
    generated = found["paths"]["/v1/generate"]["post"]["responses"]["200"]["content"]
    assert set(generated) == {"application/json", "text/event-stream"}
    for path in (path for verb, path in OPERATIONS if verb == "post"):
        responses = found["paths"][path]["post"]["responses"]
        token = {"401"} if path == "/v1/feedback" else set()
        assert set(responses) == token | {
            "200", "400", "404", "408", "413", "415", "422", "429", "500", "503", "504"
        }  # fmt: skip
        assert list(responses["429"]["content"]) == ["application/problem+json"]
        assert "Retry-After" in responses["429"]["headers"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """A model of every task, and a store that holds none."""
    models = (
        ScriptedModel(),
        *(scripted_tagger(), scripted_judge(), scripted_finder(), scripted_pairs()),
        scripted_writer(),
    )
    store = open_store(tmp_path / "store").url
    with in_thread(ScriptedService(*models, store=store, max_new_tokens=20)) as url:
        yield url


def requests_from(operation: Any, mode: GenerationMode, count: int) -> int:  # noqa: ANN401
    """Send `count` generated requests (fewer where there are not so many); check each answer."""
    sent = 0

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:  # noqa: ANN401 - made by schemathesis
        nonlocal sent
        sent += 1
        response = case.call(timeout=10)
        if response.status_code == 504:  # it asked for an answer in a few milliseconds
            return
        assert response.status_code < 500
        case.validate_response(response)

    check()
    return sent


@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS))
def test_requests_from_the_document(served: str, method: str, path: str) -> None:
    """A thousand in all."""
    schema = schemathesis.openapi.from_url(f"{served}/openapi.json")
    operation = schema[path][method]
    if method == "post":
        assert requests_from(operation, GenerationMode.POSITIVE, 75) > 70
        assert requests_from(operation, GenerationMode.NEGATIVE, 75) > 70
    else:
        assert requests_from(operation, GenerationMode.POSITIVE, 25) > 0
    answer = httpx.post(f"{served}/v1/sentiment", json={"text": "A warm and funny film."})
    assert answer.json()["results"][0]["label"] == "negative"
