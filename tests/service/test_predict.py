"""POST /v1/sentiment and /v1/tags against the real application and real, small models."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from serving import Running

from model_store import Store

pytestmark = pytest.mark.anyio
GOOD, BAD = "A warm, funny and beautifully acted film.", "Dull, noisy and far too long."
LONG = "The soup was cold. " * 200
EMOJI = "She 👩‍👩‍👧 reads 😀 old books. Ça va?"


async def test_answers_come_in_order_and_name_their_version(running: Running, store: Store) -> None:
    async with running() as (_, client):
        response = await client.post("/v1/sentiment", json={"texts": [GOOD, BAD]})
    assert response.status_code == 200
    answer = response.json()
    version = store.resolve("sentiment")
    assert answer["model"] == {"name": "sentiment", "version": 1, "digest": version.digest}
    assert [result["label"] for result in answer["results"]] == ["positive", "negative"]
    assert answer["usage"] == {"texts": 2, "tokens": 17}
    for result in answer["results"]:
        assert result["windows"] == 1
        assert result["score"] == max(result["scores"].values())
        assert sum(result["scores"].values()) == pytest.approx(1)


@pytest.mark.parametrize("body", [{"texts": GOOD}, {"text": GOOD}, {"texts": [GOOD]}])
async def test_one_text_may_come_in_three_ways(running: Running, body: dict[str, Any]) -> None:
    async with running() as (_, client):
        results = (await client.post("/v1/sentiment", json=body)).json()["results"]
    assert [result["label"] for result in results] == ["positive"]


async def test_a_bad_item_fails_alone(running: Running) -> None:
    texts = ["", GOOD, " \n", "lone \ud800", "x" * 501, BAD]
    async with running(max_text_characters=500) as (_, client):
        response = await client.post("/v1/sentiment", content=json.dumps({"texts": texts}))
    assert response.status_code == 200
    results = response.json()["results"]
    codes = [result.get("error", {}).get("code") for result in results]
    assert codes == ["empty_text", None, "empty_text", "invalid_unicode", "text_too_long", None]
    assert [results[i]["label"] for i in (1, 5)] == ["positive", "negative"]
    assert "U+D800" in results[3]["error"]["message"]
    assert "500" in results[4]["error"]["message"]


async def test_a_long_text_is_read_whole(running: Running) -> None:
    async with running() as (_, client):
        answer = (await client.post("/v1/sentiment", json={"text": LONG})).json()
        tags = (await client.post("/v1/tags", json={"text": LONG})).json()
    assert answer["usage"]["tokens"] == tags["usage"]["tokens"] == 1000
    assert answer["results"][0]["windows"] == 17  # 12 sentences of 5 words fit a window of 64
    assert len(tags["results"][0]["tokens"]) == 1000
    assert tags["results"][0]["windows"] == 200


async def test_an_answer_does_not_depend_on_its_neighbours(running: Running) -> None:
    words = ("the waiter smiled", "she reads old books", "rome", "lovely", "we ate two pizzas")
    source = random.Random(1)
    texts = [" ".join(source.choices(words, k=source.randint(1, 60))) + "." for _ in range(60)]
    async with running(batch_budget_tokens=700) as (_, client):
        for route in ("/v1/sentiment", "/v1/tags"):
            together = (await client.post(route, json={"texts": texts})).json()["results"]
            for text, found in zip(texts[::7], together[::7], strict=True):
                alone = (await client.post(route, json={"texts": [text]})).json()["results"][0]
                assert _rounded(alone) == _rounded(found)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return pytest.approx(value, abs=1e-4)
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return [_rounded(entry) for entry in value] if isinstance(value, list) else value


async def test_tags_of_a_text(running: Running) -> None:
    async with running() as (_, client):
        answer = (await client.post("/v1/tags", json={"texts": ["The waiter smiled."]})).json()
    assert answer["model"]["name"] == "tags"
    assert answer["usage"] == {"texts": 1, "tokens": 4}
    (result,) = answer["results"]
    assert result["windows"] == 1
    assert [(t["text"], t["start"], t["end"], t["upos"], t["xpos"]) for t in result["tokens"]] == [
        ("The", 0, 3, "DET", "DT"),
        ("waiter", 4, 10, "NOUN", "NN"),
        ("smiled", 11, 17, "VERB", "VBD"),
        (".", 17, 18, "PUNCT", "."),
    ]
    assert all(0 < token["score"] <= 1 for token in result["tokens"])


async def test_words_that_come_tokenised_are_kept_one_to_one(running: Running) -> None:
    tokens = [["Rome", "is", "lovely", "!"], [], ["New York", "don't"], ["bad\udc00"]]
    async with running() as (_, client):
        response = await client.post("/v1/tags", content=json.dumps({"tokens": tokens}))
    first, empty, odd, bad = response.json()["results"]
    assert [token["upos"] for token in first["tokens"]] == ["PROPN", "AUX", "ADJ", "PUNCT"]
    assert empty == {"tokens": [], "windows": 0}
    assert [(t["text"], t["start"], t["end"]) for t in odd["tokens"]] == [
        ("New York", None, None),
        ("don't", None, None),
    ]
    assert bad["error"]["code"] == "invalid_unicode"


async def test_a_text_of_white_space_has_no_tokens(running: Running) -> None:
    async with running() as (_, client):
        answer = (await client.post("/v1/tags", json={"texts": ["", " \t\n"]})).json()
    assert answer["results"] == [{"tokens": [], "windows": 0}] * 2
    assert answer["usage"] == {"texts": 2, "tokens": 0}


@pytest.mark.parametrize(
    ("encoding", "cut"),
    [
        ("codepoint", lambda text, a, b: text[a:b]),
        ("utf8", lambda text, a, b: text.encode()[a:b].decode()),
        ("utf16", lambda text, a, b: text.encode("utf-16-le")[2 * a : 2 * b].decode("utf-16-le")),
    ],
)
async def test_offsets_cut_the_same_words_in_every_encoding(
    running: Running, encoding: str, cut: Callable[[str, int, int], str]
) -> None:
    async with running() as (_, client):
        body = {"texts": [EMOJI], "offset_encoding": encoding}
        (result,) = (await client.post("/v1/tags", json=body)).json()["results"]
    words = [token["text"] for token in result["tokens"]]
    assert {"😀", "👩‍👩‍👧", "Ça"} <= set(words)
    assert [cut(EMOJI, token["start"], token["end"]) for token in result["tokens"]] == words


@pytest.mark.parametrize(
    ("reference", "version", "label"),
    [("sentiment", 1, "positive"), ("sentiment@champion", 1, "positive"),
     ("sentiment@1", 1, "positive"), ("sentiment@2", 2, "negative")],
)  # fmt: skip
async def test_a_request_may_name_its_model(
    running: Running, reference: str, version: int, label: str
) -> None:
    async with running() as (service, client):
        for _ in range(2):
            body = {"text": GOOD, "model": reference}
            answer = (await client.post("/v1/sentiment", json=body)).json()
            assert (answer["model"]["version"], answer["results"][0]["label"]) == (version, label)
        assert len(service.registry.engines()) == (3 if version == 2 else 2)


async def test_an_alias_that_is_not_served_is_found_in_the_store(
    running: Running, store: Store
) -> None:
    store.promote("sentiment", 2, alias="challenger", actor="tests", reason="try")
    async with running() as (_, client):
        body = {"text": GOOD, "model": "sentiment@challenger"}
        answer = (await client.post("/v1/sentiment", json=body)).json()
    assert answer["model"]["version"] == 2


@pytest.mark.parametrize(
    ("reference", "status", "said"),
    [
        ("nosuch", 404, "there are: sentiment, tags"),
        ("sentiment@9", 404, "versions: 1, 2"),
        ("sentiment@nosuch", 404, "aliases: champion"),
        ("tags", 422, "this model's task is tagging"),
        ("../x", 422, "must be name, name@alias or name@number"),
        ("sentiment@", 422, "must be name"),
        ("sentiment@0", 422, "must be name"),
    ],
)
async def test_a_model_that_cannot_answer_is_explained(
    running: Running, reference: str, status: int, said: str
) -> None:
    async with running() as (_, client):
        response = await client.post("/v1/sentiment", json={"text": GOOD, "model": reference})
    assert response.status_code == status
    assert said in response.json()["detail"]
    assert reference not in response.json()["detail"] or reference == "tags"


async def test_versions_loaded_on_demand_are_bounded(running: Running, store: Store) -> None:
    for _ in range(2):
        store.publish("sentiment", store.export("sentiment", 1, f"{store.url}-{_}"))
    async with running(max_loaded_versions=1) as (service, client):
        for number in (2, 3, 4, 2):
            body = {"text": GOOD, "model": f"sentiment@{number}"}
            answer = await client.post("/v1/sentiment", json=body)
            assert answer.json()["model"]["version"] == number
            assert len(service.registry.on_demand.engines) == 1
    async with running(max_loaded_versions=0) as (_, client):
        response = await client.post("/v1/sentiment", json={"text": GOOD, "model": "sentiment@2"})
        assert response.status_code == 404
