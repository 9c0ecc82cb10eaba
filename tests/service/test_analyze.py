"""POST /v1/analyze: three parts at the same time over words that were split once."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from serving import Gate, scripted

from nlp.tasks.base import Window
from nlp.tasks.sentiment import Sentiment
from nlp.text import Words, shared, split_words
from service.fakes import (
    LABELS,
    ScriptedModel,
    scripted_finder,
    scripted_judge,
    scripted_pairs,
    scripted_tagger,
    words,
)
from service.problems import NotReady
from service.routes.analyze import together

pytestmark = pytest.mark.anyio
TEXT = "We had Green Soup 😀 at noon"


def everything(**options: Any) -> list[ScriptedModel]:  # noqa: ANN401
    makers = (ScriptedModel, scripted_tagger, scripted_judge, scripted_finder)
    return [make(**options) for make in makers]


async def ask(client: httpx.AsyncClient, status: int = 200, **body: Any) -> dict[str, Any]:  # noqa: ANN401
    response = await client.post("/v1/analyze", content=json.dumps(body))
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_one_call_says_what_three_would() -> None:
    async with scripted(*everything()) as (_, client):
        body: dict[str, Any] = {"texts": [TEXT, "Tea"], "offset_encoding": "utf16"}
        answer = await ask(client, **body)
        alone = {
            route: (await client.post(f"/v1/{route}", json=body)).json()
            for route in ("tags", "aspects")
        }
        sentiment = (await client.post("/v1/sentiment", json={"texts": body["texts"]})).json()
    for i, result in enumerate(answer["results"]):
        assert result == {
            "sentiment": sentiment["results"][i],
            "tokens": alone["tags"]["results"][i]["tokens"],
            "aspects": alone["aspects"]["results"][i]["aspects"],
        }
    assert answer["missing"] == {}
    names = {part: model["name"] for part, model in answer["models"].items()}
    assert names == {"sentiment": "sentiment", "tags": "tagging", "aspects": "aspects",
                     "extraction": "extraction"}  # fmt: skip
    assert answer["usage"] == {"texts": 2, "tokens": 8}


@pytest.mark.parametrize("repeats", [1, 50])
async def test_four_models_split_a_text_once(repeats: int) -> None:
    """On the loop, and in the threads that large requests are encoded in."""
    split: list[str] = []

    def counting(text: str) -> Words:
        split.append(text)
        return split_words(text)

    once = shared(counting)
    makers = (scripted_tagger, scripted_judge, scripted_finder)
    models = [
        ScriptedModel(task=Sentiment(LABELS, once, *words())),
        *(make(once) for make in makers),
    ]
    texts = ["We had Soup and rolls. " * repeats, "Tea at noon"]
    async with scripted(*models) as (_, client):
        await ask(client, texts=texts)
    assert sorted(text for text in split if " " in text) == sorted(texts)


async def test_the_parts_are_answered_at_the_same_time() -> None:
    async with scripted(*everything(seconds=0.1)) as (_, client):
        started = time.monotonic()
        await ask(client, texts=["the Tea"], parts=["sentiment", "tags"])
        both = time.monotonic() - started
    assert both < 0.19


async def test_parts_may_be_chosen() -> None:
    async with scripted(*everything()) as (_, client):
        answer = await ask(client, text=TEXT, parts=["tags"])
        assert list(answer["models"]) == ["tags"]
        assert list(answer["results"][0]) == ["tokens"]
        assert answer["missing"] == {}
        await ask(client, 422, text=TEXT, parts=["tags", "topics"])
        await ask(client, 422, text=TEXT, parts=[])


async def test_texts_may_bring_their_aspects() -> None:
    asked = {"text": TEXT, "aspects": ["price", {"text": "noon", "start": 23, "end": 27}]}
    async with scripted(*everything()) as (_, client):
        answer = await ask(client, texts=[asked, "the Tea"], attention=False)
    first, second = answer["results"]
    assert [(a["aspect"], a["label"]) for a in first["aspects"]] == [
        ("price", "negative"), ("noon", "positive")
    ]  # fmt: skip
    assert [a["aspect"] for a in second["aspects"]] == ["Tea"]
    assert "attention" not in first["aspects"][0]


async def test_what_is_not_served_is_missing_unless_it_is_asked_for() -> None:
    async with scripted(ScriptedModel()) as (_, client):
        answer = await ask(client, text=TEXT)
        assert list(answer["results"][0]) == ["sentiment"]
        assert answer["missing"] == {
            "tags": "this service has no model for the task tagging",
            "aspects": "this service has no model for the task aspects",
        }
        problem = await ask(client, 404, text=TEXT, parts=["sentiment", "tags"])
        assert problem["detail"] == "this service has no model for the task tagging"
        await ask(client, 404, text=TEXT, aspects=["price"])
    async with scripted(scripted_finder()) as (_, client):
        problem = await ask(client, 404, text=TEXT)
        assert problem["detail"] == "this service has no model for the task sentiment"


async def test_without_one_to_find_them_plain_texts_have_no_aspects() -> None:
    async with scripted(ScriptedModel(), scripted_judge()) as (_, client):
        answer = await ask(client, text=TEXT)
        assert "extraction" in answer["missing"]["aspects"]
        answer = await ask(client, text=TEXT, aspects=["price"])
        assert list(answer["missing"]) == ["tags"]


async def test_a_model_of_pairs_may_find_and_judge() -> None:
    async with scripted(ScriptedModel(), scripted_pairs()) as (_, client):
        answer = await ask(client, text="the Tea", models={"aspects": "pairs"})
    assert answer["models"]["aspects"]["name"] == "pairs"
    assert [a["aspect"] for a in answer["results"][0]["aspects"]] == ["Tea"]


async def test_a_model_named_for_the_wrong_part() -> None:
    async with scripted(*everything()) as (_, client):
        for part, said in [("sentiment", "sentiment"), ("tags", "tagging"),
                           ("aspects", "aspects or pairs")]:  # fmt: skip
            problem = await ask(client, 422, text="the Tea", models={part: "extraction"})
            (error,) = problem["errors"]
            assert error["pointer"] == f"/models/{part}"
            assert error["detail"] == f"this model's task is extraction; here it must be {said}"
        problem = await ask(client, 422, text="the Tea", models={"words": "tags"})
        assert problem["errors"] == [{"detail": "an unknown field", "pointer": "/models"}]


async def test_a_part_that_fails_for_a_text_is_named() -> None:
    def poisoned(windows: Sequence[Window]) -> None:
        if any("Rye" in window.words for window in windows):
            raise RuntimeError

    models = [ScriptedModel(), scripted_tagger(on_batch=poisoned), scripted_judge(),
              scripted_finder()]  # fmt: skip
    texts = ["", "the Rye", "lone \ud800", "x" * 501, "the Tea"]
    async with scripted(*models, max_text_characters=500) as (_, client):
        empty, rye, lone, large, tea = (await ask(client, texts=texts))["results"]
    assert empty["errors"]["sentiment"]["code"] == "empty_text"
    assert (empty["tokens"], empty["aspects"]) == ([], [])
    assert rye["errors"].keys() == {"tags"}
    assert rye["errors"]["tags"]["code"] == "model_failed"
    assert rye["sentiment"]["label"] == "negative"
    assert [a["aspect"] for a in rye["aspects"]] == ["Rye"]
    for result, code in ((lone, "invalid_unicode"), (large, "text_too_long")):
        assert list(result) == ["errors"]
        assert {error["code"] for error in result["errors"].values()} == {code}
        assert result["errors"].keys() == {"sentiment", "tags", "aspects"}
    assert "errors" not in tea


async def test_one_part_that_is_refused_ends_the_others() -> None:
    gate = Gate()
    tagger = scripted_tagger(on_batch=gate)
    async with scripted(ScriptedModel(), tagger, queue_limit_tokens=3) as (service, client):
        busy = asyncio.create_task(client.post("/v1/tags", json={"text": "one two three"}))
        await asyncio.to_thread(gate.entered.wait, 5)
        problem = await ask(client, 429, text="the Tea")
        assert problem["type"].endswith(":overloaded")
        gate.open.set()
        assert (await busy).status_code == 200
        assert all(engine.batcher.queued_tokens == 0 for engine in service.registry.engines())


async def test_together_ends_with_the_first_failure() -> None:
    ended = asyncio.Event()

    async def long() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    async def fails() -> None:
        raise NotReady("not yet")

    with pytest.raises(NotReady):
        await together(long(), fails())
    assert ended.is_set()
    assert await together(*(asyncio.sleep(0, i) for i in range(3))) == [0, 1, 2]
