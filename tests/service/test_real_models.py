"""Each endpoint with small real networks: over HTTP they say what the models say by themselves."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import scripted

from model_store import Store
from nlp.generation import GenerationPolicy
from nlp.golden import write_golden
from nlp.model import GOLDEN, Model
from nlp.search import GREEDY
from nlp.tasks.base import Aspect, AspectItem, Item
from service.app import Service
from service.settings import Settings

pytestmark = pytest.mark.anyio
TEXTS = ["The soup was cold, but the waiter was lovely.", "We liked the view. The staff was rude!"]
ARCHITECTURES = {
    "sentiment": "textcnn",
    "tagging": "bilstm-tagger",
    "aspects": "attention-lstm",
    "extraction": "bilstm-tagger",
    "pairs": "recurrent-encoder-decoder",
    "language-model": "recurrent-language-model",
}


@pytest.fixture(scope="session")
def models() -> dict[str, Model]:
    """One of every task, through torch: what HTTP adds is the same for every runtime."""
    pytest.importorskip("torch")
    from tiny import in_memory

    return {task: in_memory(task, name) for task, name in ARCHITECTURES.items()}


async def ask(client: httpx.AsyncClient, route: str, **body: object) -> dict[str, Any]:
    response = await client.post(f"/v1/{route}", json=body)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def close_to(value: object) -> object:
    """Batches of another shape round otherwise."""
    if isinstance(value, float):
        return pytest.approx(value, abs=1e-4)
    if isinstance(value, dict):
        return {key: close_to(entry) for key, entry in value.items()}
    return [close_to(entry) for entry in value] if isinstance(value, list) else value


def said(model: Model, *items: Item) -> list[Any]:
    return [close_to(answer.to_dict()) for answer in model.answer(items)]


async def test_aspects_given_and_found(models: dict[str, Model]) -> None:
    judge, finder = models["aspects"], models["extraction"]
    given = [AspectItem(TEXTS[0], (Aspect("price"), Aspect("soup", 4, 8)))]
    found = [
        AspectItem(text, tuple(Aspect(a["text"], a["start"], a["end"]) for a in one["aspects"]))
        for text, one in zip(TEXTS, (a.to_dict() for a in finder.answer(TEXTS)), strict=True)
    ]
    asked = {"text": TEXTS[0], "aspects": ["price", {"text": "soup", "start": 4, "end": 8}]}
    async with scripted(judge, finder) as (_, client):
        answer = await ask(client, "aspects", texts=[asked, *TEXTS])
    expected = said(judge, *given, *found)
    for result, one in zip(answer["results"], expected, strict=True):
        assert result["aspects"] == one["aspects"]
    price, soup = answer["results"][0]["aspects"]
    assert "category" in price
    assert sum(word["weight"] for word in soup["attention"]) == pytest.approx(1, abs=1e-5)


async def test_pairs_are_searched_for_in_company(models: dict[str, Model]) -> None:
    expected = [answer.to_dict()["pairs"] for answer in models["pairs"].answer(TEXTS)]
    async with scripted(models["pairs"]) as (_, client):
        answers = await asyncio.gather(
            *(ask(client, "aspects", texts=[text]) for text in TEXTS * 3)
        )
    for answer, pairs in zip(answers, expected * 3, strict=True):
        (result,) = answer["results"]
        renamed = [{"aspect": pair.pop("text"), **pair} for pair in map(dict, pairs)]
        assert result["aspects"] == close_to(renamed)


async def test_all_in_one_call(models: dict[str, Model]) -> None:
    async with scripted(*models.values()) as (_, client):
        answer = await ask(client, "analyze", texts=TEXTS)
        aspects = await ask(client, "aspects", texts=TEXTS)
    sentiment, tags = said(models["sentiment"], *TEXTS), said(models["tagging"], *TEXTS)
    for i, result in enumerate(answer["results"]):
        assert result["sentiment"] == sentiment[i]
        assert result["tokens"] == tags[i]["tokens"]
        assert result["aspects"] == close_to(aspects["results"][i]["aspects"])


async def test_scores(models: dict[str, Model]) -> None:
    writer = models["language-model"]
    async with scripted(writer) as (_, client):
        answer = await ask(client, "score", texts=TEXTS)
    assert answer["results"] == said(writer, *TEXTS)


@pytest.mark.parametrize("beams", [0, 3])
async def test_writing(models: dict[str, Model], beams: int) -> None:
    writer = models["language-model"]
    policy = GenerationPolicy(12, beams=beams) if beams else GenerationPolicy(12, GREEDY)
    alone = writer.generate("The soup", policy)
    writer.run([alone])
    alone.new()
    how = {"beam_width": beams} if beams else {"temperature": 0}
    async with scripted(writer) as (_, client):
        body = {"prompt": "The soup", "max_new_tokens": 12, "stream": False, **how}
        answers = await asyncio.gather(*(ask(client, "generate", **body) for _ in range(4)))
    assert {answer["text"] for answer in answers} == {alone.text}
    assert answers[0]["log_probability"] == pytest.approx(alone.log_probability, abs=1e-3)


async def test_a_model_of_aspects_comes_from_the_store_and_is_probed(
    settings: Callable[..., Settings],
    store: Store,
    make_model: Callable[..., Model],
    tmp_path: Path,
) -> None:
    """Published, discovered, replayed with its golden aspects, loaded, asked by /readyz."""
    item = AspectItem(TEXTS[0], (Aspect("price"), Aspect("soup", 4, 8)))
    model = make_model("aspects", tmp_path / "folder")
    write_golden(model, [item], tmp_path / "folder" / GOLDEN)
    store.publish("opinions", tmp_path / "folder")
    store.promote("opinions", 1, actor="tests", reason="test")
    service = Service(settings())
    transport = httpx.ASGITransport(service)
    async with (
        service.running(),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        assert await service.ready(seconds=30)
        for engine in service.registry.engines():
            engine.forget_last_answer()
        ready = await client.get("/readyz")
        assert ready.json()["models"]["opinions@champion"] == "opinions@1"
        answer = await ask(client, "aspects", text=item.text, aspects=["price"])
        assert answer["model"]["name"] == "opinions"
    assert answer["results"][0]["aspects"][0] == said(model, item)[0]["aspects"][0]
