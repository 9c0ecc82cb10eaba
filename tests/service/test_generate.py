"""POST /v1/generate: whole or as it is written; drawn, greedy or searched for."""

import asyncio
import json
import math
from typing import Any

import httpx
import pytest
from serving import Event, Gate, events_of, scripted

from service.fakes import SURE, ScriptedModel, scripted_writer

pytestmark = pytest.mark.anyio
GREEDY = {"prompt": "Once a", "temperature": 0}
ROUTE = "/v1/generate"


async def write(client: httpx.AsyncClient, **body: object) -> dict[str, Any]:
    response = await client.post(ROUTE, json={**GREEDY, "stream": False, **body})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    found: dict[str, Any] = response.json()
    return found


async def stream(client: httpx.AsyncClient, **body: object) -> list[Event]:
    response = await client.post(ROUTE, json={**GREEDY, **body})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "no-store"
    assert "x-request-id" in response.headers
    return events_of(response.text)


async def test_a_text_in_one_piece() -> None:
    async with scripted(scripted_writer()) as (_, client):
        answer = await write(client)
        metrics = (await client.get("/metrics")).text
    never_written = 2 * (1 - math.exp(SURE)) / 7  # padding and the unknown word
    each = SURE - math.log(1 - never_written)
    assert answer.pop("log_probability") == pytest.approx(4 * each)
    assert isinstance(answer.pop("seed"), int)
    assert answer == {
        "model": {"name": "language-model", "version": 1, "digest": "0" * 64},
        "text": " waiter smiled.",
        "finish_reason": "end",
        "tokens": 3,
        "prompt_tokens": 2,
        "prompt_tokens_read": 2,
    }
    assert 'valence_tokens_total{model="language-model"} 3.0' in metrics
    assert "valence_first_piece_seconds_count 1.0" in metrics
    assert f'valence_requests_total{{route="{ROUTE}",status="200"}} 1.0' in metrics


async def test_a_text_as_it_is_written() -> None:
    async with scripted(scripted_writer()) as (_, client):
        whole = await write(client, seed=1)
        events = await stream(client, seed=1)
    assert events == [
        ("token", {"text": " waiter"}),
        ("token", {"text": " smiled"}),
        ("token", {"text": "."}),
        ("done", whole),
    ]


@pytest.mark.parametrize(
    ("prompt", "text", "read"),
    [("", "once a waiter smiled.", 0), ("The a waiter", " smiled.", 3), ("a " * 40, None, 16)],
)
async def test_prompts_of_any_length(prompt: str, text: str | None, read: int) -> None:
    async with scripted(scripted_writer()) as (_, client):
        answer = await write(client, prompt=prompt)
    assert text is None or answer["text"] == text
    assert answer["prompt_tokens_read"] == read
    assert answer["prompt_tokens"] == len(prompt.split())


async def test_the_longest_text_is_as_long_as_asked() -> None:
    async with scripted(scripted_writer(), max_new_tokens=3) as (_, client):
        answer = await write(client, prompt="", max_new_tokens=2)
        assert (answer["text"], answer["finish_reason"]) == ("once a", "length")
        body = {**GREEDY, "max_new_tokens": 4}
        response = await client.post(ROUTE, json=body)
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == "/max_new_tokens"
        assert (await write(client, prompt="", max_new_tokens=3))["tokens"] == 3
        assert (await write(client, prompt=""))["tokens"] == 3


async def test_a_seed_draws_the_same_text_again() -> None:
    drawn = {"prompt": "", "temperature": 3.0, "max_new_tokens": 30}
    async with scripted(scripted_writer()) as (_, client):
        first = await write(client, **drawn)
        again = await write(client, **drawn, seed=first["seed"])
        others = [await write(client, **drawn) for _ in range(3)]
    assert first == again
    assert len({other["seed"] for other in [first, *others]}) == 4
    assert {other["text"] for other in others} != {first["text"]}


async def test_a_beam_search_gives_its_text_at_the_end() -> None:
    async with scripted(scripted_writer()) as (_, client):
        body = {"prompt": "Once", "beam_width": 3, "length_penalty": 0.5}
        response = await client.post(ROUTE, json=body)
        token, (name, done) = events_of(response.text)
    assert token == ("token", {"text": " a waiter smiled."})
    assert name == "done"
    assert done["text"] == " a waiter smiled."
    assert "seed" not in done


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"prompt": 3}, "/prompt"),
        ({"prompt": "x" * 501}, "/prompt"),
        ({"prompt": "lone \ud800"}, "/prompt"),
        ({"text": "x"}, ""),
        ({"temperature": -1}, "/temperature"),
        ({"temperature": "hot"}, "/temperature"),
        ({"top_k": -1}, "/top_k"),
        ({"top_p": 0}, "/top_p"),
        ({"top_p": 1.01}, "/top_p"),
        ({"seed": -1}, "/seed"),
        ({"seed": 1.5}, "/seed"),
        ({"max_new_tokens": 0}, "/max_new_tokens"),
        ({"beam_width": 0}, "/beam_width"),
        ({"beam_width": 17}, "/beam_width"),
        ({"beam_width": 2, "temperature": 1}, ""),
        ({"beam_width": 2, "seed": 1}, ""),
        ({"length_penalty": 1}, ""),
        ({"stream": 1}, "/stream"),
        ({"timeout_ms": 0}, "/timeout_ms"),
        ({"model": "@"}, "/model"),
        ({"model": "sentiment"}, "/model"),
    ],
)
async def test_json_that_is_no_request(body: dict[str, Any], pointer: str) -> None:
    models = (scripted_writer(), ScriptedModel())
    async with scripted(*models, max_text_characters=500) as (_, client):
        response = await client.post(ROUTE, content=json.dumps(body))
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


async def test_what_fails_before_the_first_word_is_a_plain_refusal() -> None:
    async with scripted(ScriptedModel()) as (_, client):
        assert (await client.post(ROUTE, json=GREEDY)).status_code == 404
    gate = Gate()
    async with scripted(scripted_writer(on_batch=gate), queue_limit_tokens=4) as (_, client):
        late = await client.post(ROUTE, json={**GREEDY, "timeout_ms": 30})
        assert late.status_code == 504
        busy = asyncio.create_task(write(client))
        await asyncio.sleep(0.05)
        full = await client.post(ROUTE, json=GREEDY)
        assert full.status_code == 429
        assert "retry-after" in full.headers
        gate.open.set()
        assert (await busy)["finish_reason"] == "end"
