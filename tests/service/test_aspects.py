"""POST /v1/aspects: aspects given, found, or written; places in every encoding; bad ones alone."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from serving import Gate, scripted

from nlp.tasks.base import Window
from nlp.text import Words, shared, split_words
from service.fakes import ScriptedModel, scripted_finder, scripted_judge, scripted_pairs

UNITS = {"codepoint": ("utf-32-le", 4), "utf8": ("utf-8", 1), "utf16": ("utf-16-le", 2)}
pytestmark = pytest.mark.anyio
TEXT = "The restaurant was expensive, but the menu was great"


async def ask(client: httpx.AsyncClient, **body: object) -> dict[str, Any]:
    response = await client.post("/v1/aspects", content=json.dumps(body))
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def refused(client: httpx.AsyncClient, status: int, **body: object) -> dict[str, Any]:
    response = await client.post("/v1/aspects", content=json.dumps(body))
    assert response.status_code == status, response.text
    found: dict[str, Any] = response.json()
    return found


def labels(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(aspect["aspect"], aspect["label"]) for aspect in result["aspects"]]


async def test_aspects_by_name_and_by_place() -> None:
    asked = {"text": TEXT, "aspects": ["price", {"text": "menu", "start": 38, "end": 42}, "menu"]}
    async with scripted(scripted_judge()) as (_, client):
        answer = await ask(client, texts=[asked])
    assert answer["model"] == {"name": "aspects", "version": 1, "digest": "0" * 64}
    assert "extraction_model" not in answer
    assert answer["usage"] == {"texts": 1, "tokens": 10}
    price, menu, again = answer["results"][0]["aspects"]
    assert (price["aspect"], price["category"], price["label"]) == ("price", "price", "negative")
    assert "start" not in price
    assert menu == again
    assert (menu["aspect"], menu["start"], menu["end"]) == ("menu", 38, 42)
    assert menu["label"] == "positive"
    assert menu["score"] == menu["scores"]["positive"] > 0.9
    assert [entry["text"] for entry in menu["attention"]] == [
        *("The", "restaurant", "was", "expensive", ",", "but", "the", "menu", "was", "great")
    ]
    assert sum(entry["weight"] for entry in menu["attention"]) == pytest.approx(1)
    for entry in menu["attention"]:
        assert TEXT[entry["start"] : entry["end"]] == entry["text"]


async def test_one_text_may_come_with_its_aspects() -> None:
    async with scripted(scripted_judge()) as (_, client):
        answer = await ask(client, text=TEXT, aspects=["price", "food"], attention=False)
    (result,) = answer["results"]
    assert labels(result) == [("price", "negative"), ("food", "positive")]
    assert all("attention" not in aspect for aspect in result["aspects"])


async def test_aspects_that_are_not_given_are_found_first() -> None:
    text = "I had Tea and Green Soup"
    texts = [text, {"text": TEXT, "aspects": ["price"]}, "nothing", "", " "]
    finder, judge = scripted_finder(), scripted_judge()
    async with scripted(judge, finder) as (_, client):
        answer = await ask(client, texts=texts)
        metrics = (await client.get("/metrics")).text
    assert answer["model"]["name"] == "aspects"
    assert answer["extraction_model"]["name"] == "extraction"
    found, given, *none = answer["results"]
    assert labels(found) == [("I", "positive"), ("Tea", "positive"), ("Green Soup", "positive")]
    assert labels(given) == [("price", "negative")]
    assert none == [{"aspects": []}] * 3
    (place,) = [(a["start"], a["end"]) for a in found["aspects"] if a["aspect"] == "Green Soup"]
    assert text[slice(*place)] == "Green Soup"
    assert answer["usage"] == {"texts": 5, "tokens": 17}
    assert 'valence_predictions_total{label="positive",model="aspects"} 3.0' in metrics
    assert 'valence_predictions_total{label="negative",model="aspects"} 1.0' in metrics


async def test_two_engines_split_a_text_once() -> None:
    split: list[str] = []

    def counting(text: str) -> Words:
        split.append(text)
        return split_words(text)

    once = shared(counting)
    async with scripted(scripted_judge(once), scripted_finder(once)) as (_, client):
        await ask(client, texts=["I had Tea", "the Soup was cold"])
    assert [text for text in split if " " in text] == ["I had Tea", "the Soup was cold"]


@pytest.mark.parametrize("encoding", ["codepoint", "utf8", "utf16"])
async def test_places_count_in_the_encoding_both_ways(encoding: str) -> None:
    text = "😀 Ça va: the Crème Brûlée 👩‍👩‍👧 beat the Soufflé"

    def count(part: str) -> int:
        name, width = UNITS[encoding]
        return len(part.encode(name)) // width

    def place(term: str) -> dict[str, Any]:
        before = text[: text.index(term)]
        return {"text": term, "start": count(before), "end": count(before + term)}

    terms = [place("Crème Brûlée"), place("Soufflé"), place("😀")]
    async with scripted(scripted_judge(), scripted_finder()) as (_, client):
        asked = {"text": text, "aspects": terms}
        answer = await ask(client, texts=[asked, text], offset_encoding=encoding)
    given, found = (result["aspects"] for result in answer["results"])
    assert [{"text": a["aspect"], "start": a["start"], "end": a["end"]} for a in given] == terms
    assert [{"text": a["aspect"], "start": a["start"], "end": a["end"]} for a in found] == [
        place("Ça"), place("Crème Brûlée"), place("Soufflé")
    ]  # fmt: skip
    for entry in given[0]["attention"]:
        before = text.index(entry["text"])
        assert entry["start"] >= count(text[:before])
        assert entry["end"] <= count(text)


BAD = [
    ({"text": "menu", "start": 0, "end": 4}, "bad_aspect", "is not what the text holds"),
    ({"text": "menu", "start": 4, "end": 900}, "bad_aspect", "behind the end"),
    ({"text": "menu", "start": 8, "end": 4}, "bad_aspect", "start < end"),
    ({"text": "menu", "start": 4, "end": 4}, "bad_aspect", "start < end"),
    (" ", "bad_aspect", "holds 0 words"),
    ("word " * 33, "bad_aspect", "holds 33 words"),
]


@pytest.mark.parametrize(("aspect", "code", "said"), BAD)
async def test_a_bad_aspect_fails_its_text_alone(aspect: Any, code: str, said: str) -> None:  # noqa: ANN401
    texts = [{"text": "The menu", "aspects": [aspect]}, {"text": TEXT, "aspects": ["price"]}]
    async with scripted(scripted_judge()) as (_, client):
        answer = await ask(client, texts=texts)
        metrics = (await client.get("/metrics")).text
    bad, good = answer["results"]
    assert bad["error"]["code"] == code
    assert said in bad["error"]["message"]
    assert labels(good) == [("price", "negative")]
    assert f'valence_item_errors_total{{code="{code}",model="aspects"}} 1.0' in metrics


@pytest.mark.parametrize(
    ("encoding", "start", "end"), [("utf8", 1, 8), ("utf8", 0, 7), ("utf16", 1, 5), ("utf16", 0, 9)]
)
async def test_a_place_inside_a_code_point_is_none(encoding: str, start: int, end: int) -> None:
    aspect = {"text": "😀 ça", "start": start, "end": end}
    async with scripted(scripted_judge()) as (_, client):
        text = {"text": "😀 ça", "aspects": [aspect]}
        answer = await ask(client, texts=[text], offset_encoding=encoding)
    assert answer["results"][0]["error"]["code"] == "bad_aspect"


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "empty_text"), ("lone \ud800", "invalid_unicode"), ("x" * 501, "text_too_long")],
)
async def test_a_bad_text_fails_alone(text: str, code: str) -> None:
    given = {"text": text, "aspects": [{"text": "x", "start": 0, "end": 1}]}
    if code == "empty_text":
        given = {"text": text, "aspects": ["price"]}
    async with scripted(scripted_judge(), scripted_finder(), max_text_characters=500) as (
        _,
        client,
    ):
        answer = await ask(client, texts=[given, text, "the Soup"])
    first, second, third = answer["results"]
    assert first["error"]["code"] == code
    assert second == {"aspects": []} if code == "empty_text" else second["error"]["code"] == code
    assert labels(third) == [("Soup", "positive")]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"text": "a", "texts": ["a"]}, [""]),
        ({"texts": ["a"], "aspects": ["b"]}, [""]),
        ({"text": "a", "aspects": []}, ["/aspects"]),
        ({"text": "a", "aspects": ["b"] * 4}, ["/aspects"]),
        ({"texts": ["a", {"text": "b", "aspects": ["c"] * 4}]}, ["/texts/1/aspects"]),
        ({"texts": ["a", {"text": "b", "aspects": []}]}, ["/texts/1/aspects"]),
        ({"texts": ["a", {"text": "b", "aspects": ["c", ""]}]}, ["/texts/1/aspects/1/text"]),
        ({"texts": ["a", {"text": "b", "aspects": ["c" * 201]}]}, ["/texts/1/aspects/0/text"]),
        ({"texts": ["a", 3]}, ["/texts/1"]),
        ({"texts": ["a", {"text": "b", "colour": "c"}]}, ["/texts/1"]),
        ({"text": "a", "aspects": [{"text": "a", "start": 0}]}, ["/aspects/0"]),
        ({"text": "a", "aspects": ["lone \ud800"]}, ["/aspects/0/text"]),
        ({"texts": [{"text": "a", "aspects": [{"text": "a", "start": -1, "end": 1}]}]},
         ["/texts/0/aspects/0/start"]),
        ({"texts": [{"text": "a", "aspects": [{"text": "a", "start": None, "end": 1}]}]},
         ["/texts/0/aspects/0/start"]),
        ({"texts": []}, ["/texts"]),
        ({"text": "a", "attention": "no"}, ["/attention"]),
        ({"text": "a", "extraction_model": "@"}, ["/extraction_model"]),
        ({"text": "a", "aspects": ["a"], "extraction_model": "a*"}, ["/extraction_model"]),
        ({"text": "a", "offset_encoding": "bytes"}, ["/offset_encoding"]),
    ],
)  # fmt: skip
async def test_json_that_is_no_request(body: dict[str, Any], pointers: list[str]) -> None:
    async with scripted(scripted_judge(), scripted_finder(), max_aspects=3) as (_, client):
        problem = await refused(client, 422, **body)
    assert [error["pointer"] for error in problem["errors"]] == pointers


async def test_without_a_model_to_find_them_aspects_must_be_given() -> None:
    async with scripted(scripted_judge()) as (_, client):
        problem = await refused(client, 404, texts=[{"text": "a", "aspects": ["b"]}, "plain"])
        assert "no model for the task extraction" in problem["detail"]
        assert "send each its aspects" in problem["detail"]
        problem = await refused(client, 422, text="a", extraction_model="aspects")
        assert problem["errors"][0]["pointer"] == "/extraction_model"
        assert "here it must be extraction" in problem["detail"]
    async with scripted(scripted_finder()) as (_, client):
        problem = await refused(client, 404, text="a")
        assert "no model for the task aspects" in problem["detail"]


@pytest.mark.parametrize("others", [[], [scripted_judge()], [scripted_finder()]])
async def test_a_model_of_pairs_does_both(others: Sequence[ScriptedModel]) -> None:
    """Where it is named, and where two models cannot be had."""
    text = "the Tea was as good as the Soup 😀 and Pie"
    async with scripted(scripted_pairs(), *others) as (_, client):
        for body in ({"model": "pairs"}, {}):
            answer = await ask(client, text=text, offset_encoding="utf16", **body)
            assert answer["model"]["name"] == "pairs"
            (result,) = answer["results"]
            assert [tuple(aspect.values())[:4] for aspect in result["aspects"]] == [
                ("Tea", 4, 7, "negative"), ("Soup", 27, 31, "positive"), ("Pie", 39, 42, "negative")
            ]  # fmt: skip
        asked = {"text": text, "aspects": ["Tea"]}
        problem = await refused(client, 422, texts=[asked], model="pairs")
        assert "task is pairs; here it must be aspects" in problem["detail"]


async def test_two_models_come_before_one_for_pairs() -> None:
    async with scripted(scripted_pairs(), scripted_judge(), scripted_finder()) as (_, client):
        answer = await ask(client, text="the Tea")
    assert (answer["model"]["name"], answer["extraction_model"]["name"]) == (
        "aspects",
        "extraction",
    )


async def test_texts_that_are_read_again_and_again_come_in_slices() -> None:
    """One request never fills the queue, however many aspects it has."""
    queued: list[int] = []
    judge = scripted_judge()
    names = [f"thing{i}" for i in range(20)] + ["price"]
    async with scripted(judge, queue_limit_tokens=80) as (service, client):
        (engine,) = service.registry.engines()
        judge.on_batch = lambda _: queued.append(engine.batcher.queued_tokens)
        asked = {"text": TEXT, "aspects": names}
        short = {"text": "x", "aspects": ["y"]}
        results = (await ask(client, texts=[asked, short, asked], attention=False))["results"]
        problem = await refused(client, 413, texts=[asked] * 7)
    assert labels(results[0]) == labels(results[2]) == [
        *((name, "positive") for name in names[:-1]), ("price", "negative")
    ]  # fmt: skip
    assert len(queued) >= 21
    assert max(queued) <= 20
    assert "a text is read again for each aspect" in problem["detail"]


async def test_a_failing_row_fails_its_text_alone() -> None:
    def poisoned(windows: Sequence[Window]) -> None:
        if any("Rye" in window.words for window in windows):
            raise RuntimeError

    for finder, judge in [
        (scripted_finder(on_batch=poisoned), scripted_judge()),
        (scripted_finder(), scripted_judge(on_batch=poisoned)),
    ]:
        async with scripted(judge, finder) as (_, client):
            answer = await ask(client, texts=["the Tea", "the Rye", "the Soup"])
        first, second, third = answer["results"]
        assert labels(first) + labels(third) == [("Tea", "positive"), ("Soup", "positive")]
        assert second["error"]["code"] == "model_failed"


async def test_one_deadline_holds_for_both_engines() -> None:
    gate = Gate()
    async with scripted(scripted_judge(on_batch=gate), scripted_finder()) as (service, client):
        response = await client.post("/v1/aspects", json={"text": "the Tea", "timeout_ms": 50})
        assert response.status_code == 504
        gate.open.set()
        assert labels((await ask(client, text="the Tea"))["results"][0]) == [("Tea", "positive")]
        await asyncio.sleep(0)
        assert [engine.batcher.depth for engine in service.registry.engines()] == [0, 0]
