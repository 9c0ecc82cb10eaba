"""POST /v1/score, and places in explanations: answers with places of every kind."""

import json
import math
from typing import Any

import pytest
from serving import scripted

from nlp.tasks.base import Row
from nlp.tasks.sentiment import SentimentAnswer
from service.fakes import SURE, ScriptedModel, scripted_writer
from service.places import render_in

pytestmark = pytest.mark.anyio
STORY = "Once a waiter smiled."


async def test_a_score_for_each_word_and_for_the_end() -> None:
    async with scripted(scripted_writer()) as (_, client):
        body = {"texts": [STORY, "A waiter frowned"]}
        answer = (await client.post("/v1/score", json=body)).json()
    known, odd = answer["results"]
    assert answer["model"]["name"] == "language-model"
    assert answer["usage"] == {"texts": 2, "tokens": 8}
    assert [token["text"] for token in known["tokens"]] == ["Once", "a", "waiter", "smiled", "."]
    for token in known["tokens"]:
        assert STORY[token["start"] : token["end"]] == token["text"]
        assert token["log_probability"] == pytest.approx(SURE)
        assert token["unknown"] is False
    assert known["log_probability"] == pytest.approx(6 * SURE)
    assert known["perplexity"] == pytest.approx(math.exp(-SURE))
    assert [token["unknown"] for token in odd["tokens"]] == [False, False, True]
    assert odd["perplexity"] > 2 * known["perplexity"]


@pytest.mark.parametrize(
    ("encoding", "places"),
    [("codepoint", [(0, 1), (2, 6), (6, 7)]), ("utf8", [(0, 4), (5, 10), (10, 11)]),
     ("utf16", [(0, 2), (3, 7), (7, 8)])],
)  # fmt: skip
async def test_places_count_in_the_encoding(encoding: str, places: list[tuple[int, int]]) -> None:
    async with scripted(scripted_writer()) as (_, client):
        body = {"text": "😀 café.", "offset_encoding": encoding}
        (result,) = (await client.post("/v1/score", json=body)).json()["results"]
    assert [(token["start"], token["end"]) for token in result["tokens"]] == places


async def test_words_may_come_tokenised_and_a_bad_item_fails_alone() -> None:
    async with scripted(scripted_writer()) as (_, client):
        tokens: list[Any] = [["once", "a waiter"], [], ["x\ud800"]]
        response = await client.post("/v1/score", content=json.dumps({"tokens": tokens}))
        first, empty, lone = response.json()["results"]
        missing = await client.post("/v1/score", json={"text": STORY, "model": "sentiment"})
    assert [(t["text"], t["start"], t["unknown"]) for t in first["tokens"]] == [
        ("once", None, False), ("a waiter", None, True)
    ]  # fmt: skip
    assert empty["error"]["code"] == "empty_text"
    assert lone["error"]["code"] == "invalid_unicode"
    assert missing.status_code == 404


async def test_a_perplexity_that_is_no_number_is_no_answer() -> None:
    model = scripted_writer()
    script = model.script

    def lost(window: Any) -> Row:  # noqa: ANN401
        return {name: array * math.nan for name, array in script(window).items()}

    model.script = lost
    async with scripted(model) as (_, client):
        answer = (await client.post("/v1/score", json={"text": STORY})).json()
    assert answer["results"][0]["error"]["code"] == "model_failed"


def test_an_explanation_has_places_too() -> None:
    words = [{"text": "bad", "start": 3, "end": 6, "feature": "negative"},
             {"text": "no", "start": None, "end": None, "feature": "no"}]  # fmt: skip
    told = {"features": {"no": 1.0}, "words": words, "terms": [{"text": "x", "contribution": 0.1}]}
    answer = SentimentAnswer("negative", 0.9, {"negative": 0.9}, 1, told)
    found = render_in("utf8")("é😀 bad", answer)["explanation"]
    assert [(word["start"], word["end"]) for word in found["words"]] == [(7, 10), (None, None)]


async def test_language_models_are_listed_without_layers() -> None:
    async with scripted(scripted_writer(), ScriptedModel()) as (_, client):
        models = (await client.get("/v1/models")).json()["models"]
    assert [(model["task"], model["layers"]) for model in models] == [
        ("language-model", {}), ("sentiment", {"sentiment": ["negative", "positive"]})
    ]  # fmt: skip
