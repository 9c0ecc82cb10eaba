"""What a request can do wrong, and what it is told: a problem, never an echo, never a 5xx."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import Running, scripted

from service.fakes import ScriptedModel, scripted_finder, scripted_judge, scripted_writer

pytestmark = pytest.mark.anyio
GOOD = "A warm, funny and beautifully acted film."
SECRET = "zebra-crossing-7391"
JSON = {"content-type": "application/json"}


def check_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:problem-type:valence:")
    assert problem["instance"] == f"urn:request:{response.headers['x-request-id']}"
    assert SECRET not in response.text
    return problem


@pytest.mark.parametrize("path", ["/", "/v1", f"/{SECRET}", "/v1/sentiment/", "/v1/models/a/b"])
async def test_unknown_routes(running: Running, path: str) -> None:
    async with running() as (_, client):
        check_problem(await client.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("GET", "/v1/sentiment", "POST"), ("PUT", "/v1/tags", "POST"), ("POST", "/healthz", "GET")],
)
async def test_wrong_methods(running: Running, method: str, path: str, allow: str) -> None:
    async with running() as (_, client):
        response = await client.request(method, path)
    check_problem(response, 405)
    assert response.headers["allow"] == allow


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nonsense", b'{"texts": ["a"]', b"\xff\xfe", b"[" * 100_000,
     b'{"text": "\xed\xa0\x80"}', b'{"text": "\\ud800"', b'{"text": "\\ud800", "timeout_ms": NaN}'],
)  # fmt: skip
async def test_what_is_no_json(running: Running, body: bytes) -> None:
    async with running() as (_, client):
        check_problem(await client.post("/v1/sentiment", content=body, headers=JSON), 400)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, [""]),
        ([], [""]),
        ({"texts": [GOOD], "text": GOOD}, [""]),
        ({"texts": []}, ["/texts"]),
        ({"texts": None}, ["/texts"]),
        ({"texts": [GOOD, 3, {}]}, ["/texts/1", "/texts/2"]),
        ({"text": [GOOD]}, ["/text"]),
        ({"text": GOOD, SECRET: SECRET}, [""]),
        ({"text": GOOD, "timeout_ms": 0}, ["/timeout_ms"]),
        ({"text": GOOD, "timeout_ms": None}, ["/timeout_ms"]),
        ({"text": GOOD, "model": ""}, ["/model"]),
        ({"text": GOOD, "model": None}, ["/model"]),
        ({"text": GOOD, "timeout_ms": "12"}, ["/timeout_ms"]),
        ({"text": GOOD, "timeout_ms": 10**9}, ["/timeout_ms"]),
        ({"text": GOOD, "model": 3}, ["/model"]),
        ({"text": GOOD, "model": SECRET + "@@"}, ["/model"]),
        ({"text": GOOD, "model": "\ud800"}, ["/model"]),
    ],
)
async def test_json_that_is_no_request(running: Running, body: object, pointers: list[str]) -> None:
    async with running() as (_, client):
        content = json.dumps(body)
        response = await client.post("/v1/sentiment", content=content, headers=JSON)
    problem = check_problem(response, 422)
    assert [error["pointer"] for error in problem["errors"]] == pointers
    assert problem["detail"] == problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"tokens": [["a"]], "texts": ["a"]},
        {"tokens": []},
        {"tokens": ["a"]},
        {"text": "a", "offset_encoding": "bytes"},
    ],
)
async def test_tags_take_texts_or_tokens(running: Running, body: object) -> None:
    async with running() as (_, client):
        check_problem(await client.post("/v1/tags", json=body), 422)


async def test_more_texts_than_allowed(running: Running) -> None:
    async with running(max_texts=3) as (_, client):
        response = await client.post("/v1/sentiment", json={"texts": [GOOD] * 4})
    problem = check_problem(response, 422)
    assert "1 to 3" in problem["detail"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 200),
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/vnd.api+json", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ],
)
async def test_content_types(running: Running, content_type: str | None, status: int) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    async with running() as (_, client):
        content = json.dumps({"text": GOOD}).encode()
        response = await client.post("/v1/sentiment", content=content, headers=headers)
    if status == 200:
        assert response.status_code == 200
    else:
        check_problem(response, status)


async def chunks(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * size


@pytest.mark.parametrize("claimed", [None, "10", "10000000"])
async def test_a_large_body_is_refused_whatever_it_claims(
    running: Running, claimed: str | None
) -> None:
    headers = {"content-length": claimed} if claimed else {}
    async with running(body_limit_bytes=1000) as (_, client):
        response = await client.post(
            "/v1/sentiment", content=chunks(1000, 100), headers={**JSON, **headers}
        )
    problem = check_problem(response, 413)
    assert "1000 bytes" in problem["detail"]
    assert response.headers["connection"] == "close"


async def test_a_body_in_pieces_is_read_whole(running: Running) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in json.dumps({"text": GOOD}).encode():
            yield bytes([byte])

    async with running() as (_, client):
        response = await client.post("/v1/sentiment", content=pieces(), headers=JSON)
    assert response.json()["results"][0]["label"] == "positive"


async def test_a_body_that_does_not_come(running: Running) -> None:
    async def stalls() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    async with running(body_timeout_seconds=0.05) as (_, client):
        response = await client.post("/v1/sentiment", content=stalls(), headers=JSON)
    check_problem(response, 408)


@pytest.mark.parametrize("header", ["0", "-1", "1.5", "soon", "", "99999999999", "120001"])
async def test_a_senseless_timeout_header(running: Running, header: str) -> None:
    async with running() as (_, client):
        headers = {**JSON, "X-Request-Timeout-Ms": header}
        response = await client.post("/v1/sentiment", json={"text": GOOD}, headers=headers)
    problem = check_problem(response, 422)
    assert problem["errors"][0]["header"] == "X-Request-Timeout-Ms"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("abc-1.2_X", True), ("a" * 128, True), ("a" * 129, False), ("a b", False), ("é", False)],
)
async def test_a_good_request_id_is_kept(running: Running, sent: str, kept: bool) -> None:
    async with running() as (_, client):
        first = await client.get("/healthz", headers={b"X-Request-Id": sent.encode()})
        second = await client.get("/healthz")
    assert (first.headers["x-request-id"] == sent) is kept
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_every_answer_has_the_same_few_headers(running: Running) -> None:
    async with running() as (_, client):
        response = await client.post("/v1/sentiment", json={"text": GOOD})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "server" not in response.headers
    assert "access-control-allow-origin" not in response.headers
    stages = [part.partition(";")[0] for part in response.headers["server-timing"].split(", ")]
    assert stages == ["encode", "queue", "forward", "decode"]


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(["texts", "text", "tokens", "model", "timeout_ms", "offset_encoding"])
BODIES = st.dictionaries(FIELDS, JSONS | st.lists(st.text(st.characters())), max_size=3)


async def test_no_body_makes_it_fail(running: Running) -> None:
    """300 random bodies, lone surrogates included: an answer or a refusal, never a 5xx."""
    async with running() as (_, client):
        loop = asyncio.get_running_loop()

        @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.sampled_from(["/v1/sentiment", "/v1/tags"]), BODIES)
        def check(route: str, body: object) -> None:
            content = json.dumps(body).encode()
            posted = client.post(route, content=content, headers=JSON)
            response = asyncio.run_coroutine_threadsafe(posted, loop).result(10)
            assert response.status_code in (200, 400, 404, 422)

        await asyncio.to_thread(check)
        await still_answers(client)


MORE_FIELDS = st.sampled_from(
    ["texts", "text", "tokens", "aspects", "attention", "offset_encoding", "extraction_model",
     "parts", "models", "prompt", "max_new_tokens", "temperature", "top_p", "seed", "beam_width"]
)  # fmt: skip
TEXTS = st.text(st.characters(), max_size=20)
ASPECT = st.fixed_dictionaries(
    {"text": TEXTS}, optional={"start": st.integers(-2, 30), "end": st.integers(-2, 30)}
)
ASKED = st.fixed_dictionaries({"text": TEXTS}, optional={"aspects": st.lists(ASPECT | TEXTS)})
ENCODED = st.fixed_dictionaries(
    {"texts": st.lists(ASKED | TEXTS, min_size=1)},
    optional={"offset_encoding": st.sampled_from(["codepoint", "utf8", "utf16"])},
)


async def test_no_body_makes_the_other_routes_fail() -> None:
    """As above: random fields, and texts with aspects at random places."""
    models = (ScriptedModel(), scripted_judge(), scripted_finder(), scripted_writer())
    routes = [f"/v1/{name}" for name in ("aspects", "analyze", "score", "generate")]
    async with scripted(*models, max_new_tokens=3) as (_, client):
        loop = asyncio.get_running_loop()
        bodies = st.dictionaries(MORE_FIELDS, JSONS | st.lists(TEXTS), max_size=3) | ENCODED

        @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(st.sampled_from(routes), bodies)
        def check(route: str, body: object) -> None:
            content = json.dumps(body).encode()
            posted = client.post(route, content=content, headers=JSON)
            response = asyncio.run_coroutine_threadsafe(posted, loop).result(10)
            assert response.status_code in (200, 400, 404, 422)
            assert "model_failed" not in response.text
            assert "event: error" not in response.text

        await asyncio.to_thread(check)


async def still_answers(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/sentiment", json={"text": GOOD})
    assert response.json()["results"][0]["label"] == "positive"
    assert (await client.get("/readyz")).status_code == 200
