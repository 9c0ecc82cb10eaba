"""POST /v1/feedback: what is taken, what is refused, and that nothing is lost in silence."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from serving import scripted
from structlog.testing import capture_logs

from model_store import Store, Unavailable, Version, open_store
from model_store.feedback import Judgement, Span, open_feedback
from nlp.tasks.sentiment import SentimentAnswer
from service.fakes import (
    ScriptedModel,
    scripted_finder,
    scripted_judge,
    scripted_pairs,
    scripted_tagger,
)
from service.judged import _spans
from service.logs import configure
from service.places import as_it_is
from service.receipts import Receipts
from service.schemas.feedback import JudgedItem
from service.settings import Settings
from service.store_client import StoreClient

pytestmark = pytest.mark.anyio
TEXT = "Good soup, zebra-crossing-7391."
KEYS = "secrets-of-the-tests-long-enough"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/feedback.sqlite3"


@pytest.fixture
def given_settings(url: str) -> dict[str, Any]:
    return {"feedback": url, "feedback_texts": True, "receipt_keys": KEYS}


def kept(url: str, **wanted: Any) -> list[Judgement]:  # noqa: ANN401
    with open_feedback(url, create=False) as base:
        return list(base.judgements(**wanted))


async def ask(
    client: httpx.AsyncClient, route: str = "sentiment", **body: object
) -> dict[str, Any]:
    """The first answer's id and receipt."""
    response = await client.post(f"/v1/{route}", json={"text": TEXT, "receipts": True, **body})
    assert response.status_code == 200, response.text
    (result,) = response.json()["results"]
    return {"id": result["id"], "receipt": result["receipt"]}


async def judge(client: httpx.AsyncClient, *items: dict[str, Any], **body: object) -> list[Any]:
    response = await client.post("/v1/feedback", json={"items": list(items), **body})
    assert response.status_code == 200, response.text
    results: list[Any] = response.json()["results"]
    return results


def codes(results: list[Any]) -> list[str]:
    return [one["error"]["code"] if "error" in one else one["outcome"] for one in results]


async def figures(client: httpx.AsyncClient, name: str) -> dict[tuple[str, ...], float]:
    """The values of a series by its labels."""
    text = (await client.get("/metrics")).text
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


async def test_a_judgement_is_kept_with_its_text(url: str, given_settings: dict[str, Any]) -> None:
    async with scripted(ScriptedModel(), **given_settings) as (_, client):
        proof = await ask(client)
        item = {**proof, "label": "negative", "text": TEXT}
        assert await judge(client, item) == [
            {"id": proof["id"], "outcome": "accepted", "text_kept": True}
        ]
        assert codes(await judge(client, item, item)) == ["duplicate", "duplicate"]
        assert codes(await judge(client, {**proof, "label": "positive"})) == ["quarantined"]
        counted = await figures(client, "valence_feedback_total")
        judged = await figures(client, "valence_feedback_judged_total")
    (found,) = kept(url, status="accepted")
    assert (found.id, found.model, found.version) == (proof["id"], "sentiment", 1)
    assert (found.predicted, found.label, found.right) == ("positive", "negative", False)
    assert found.text == TEXT
    assert found.score == pytest.approx(0.982, abs=1e-3)
    assert found.text_until is not None
    assert (found.text_until - found.received).days in (89, 90)
    assert counted["sentiment", "accepted"] == counted["sentiment", "quarantined"] == 1
    assert counted["sentiment", "duplicate"] == 2
    assert judged == {("sentiment", "true"): 0, ("sentiment", "false"): 1}


async def test_a_text_is_verified_and_dropped_where_nobody_opted_in(
    url: str, given_settings: dict[str, Any]
) -> None:
    async with scripted(ScriptedModel(), **{**given_settings, "feedback_texts": False}) as (
        _,
        client,
    ):
        proof = await ask(client)
        wrong = {**proof, "label": "positive", "text": TEXT + "!"}
        assert codes(await judge(client, wrong)) == ["wrong_text"]
        (told,) = await judge(client, {**proof, "label": "positive", "text": TEXT})
        assert told == {"id": proof["id"], "outcome": "accepted", "text_kept": False}
        other = {**await ask(client), "label": "positive"}
        assert await judge(client, other) == [{"id": other["id"], "outcome": "accepted"}]
    assert [(one.text, one.right) for one in kept(url)] == [(None, True), (None, True)]
    assert not any(b"zebra" in file.read_bytes() for file in Path(url[10:]).parent.iterdir())


async def test_every_bad_item_fails_alone(given_settings: dict[str, Any]) -> None:
    async with scripted(ScriptedModel(), **given_settings, max_text_characters=100) as (_, client):
        proof, other = await ask(client), await ask(client)
        good = {**proof, "label": "positive"}
        items: dict[str, dict[str, Any]] = {
            "accepted": good,
            "bad_receipt": {**good, "receipt": "A" * 100},
            "wrong_kind": {**proof, "spans": []},
            "unknown_label": {**proof, "label": "splendid"},
            "wrong_text": {**good, "text": "another"},
            "text_too_long": {**good, "text": "x" * 101},
        }
        results = await judge(client, *items.values(), {**good, "id": other["id"]})
        assert codes(results) == [*items, "bad_receipt"]
        assert "negative, positive" in results[3]["error"]["message"]
        counted = await figures(client, "valence_feedback_total")
    assert counted["unknown", "refused"] == 2
    assert counted["sentiment", "refused"] == 4


async def test_a_receipt_of_another_service_or_of_long_ago(given_settings: dict[str, Any]) -> None:
    async with scripted(ScriptedModel(), **given_settings) as (_, client):
        proof = await ask(client)
    other = {**given_settings, "receipt_keys": KEYS[::-1]}
    async with scripted(ScriptedModel(), **other) as (_, client):
        assert codes(await judge(client, {**proof, "label": "positive"})) == ["bad_receipt"]
    old = Receipts(Settings.model_validate(given_settings), lambda: 1e9)
    async with scripted(ScriptedModel(), **given_settings) as (_, client):
        item = {**sealed(old, Version("sentiment", 1, "0" * 64)), "label": "positive"}
        assert codes(await judge(client, item)) == ["expired_receipt"]


@dataclass(frozen=True)
class Said:
    version: Version
    task: str = "sentiment"


def sealed(by: Receipts, version: Version) -> dict[str, Any]:
    """The proof of an answer that this version might have given."""
    render = by.sealing(as_it_is, Said(version), asked=True)
    content = render(TEXT, SentimentAnswer("good", 0.7, {"good": 0.7}, 1))
    return {"id": content["id"], "receipt": content["receipt"]}


async def test_labels_of_versions_that_are_not_loaded_come_from_the_store(
    tmp_path: Path, given_settings: dict[str, Any]
) -> None:
    store = open_store(tmp_path / "store")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "manifest.json").write_text(
        '{"task": "sentiment", "layers": {"sentiment": ["good", "bad"]}}'
    )
    (folder / "labels.txt").write_text("good\nbad\n")
    version = store.publish("tickets", folder)
    by = Receipts(Settings.model_validate(given_settings))
    async with scripted(ScriptedModel(), store=store.url, **given_settings) as (_, client):
        items = [
            {**sealed(by, version), "label": "bad"},
            {**sealed(by, version), "label": "worse"},
            {**sealed(by, Version("tickets", 1, "0" * 64)), "label": "bad"},
            {**sealed(by, Version("tickets", 2, "0" * 64)), "label": "bad"},
            {**sealed(by, Version("sentiment", 1, "1" * 64)), "label": "positive"},
        ]
        found = codes(await judge(client, *items))
    assert found == ["accepted", "unknown_label", "unknown_model", "unknown_model", "unknown_model"]


async def test_a_store_that_does_not_answer(given_settings: dict[str, Any]) -> None:
    def down(_: Settings) -> Store:
        raise Unavailable("nobody is there")

    by = Receipts(Settings.model_validate(given_settings))
    async with scripted(ScriptedModel(), **given_settings) as (service, client):
        service.registry.store = StoreClient(service.settings, service.metrics, down)
        items = [{**sealed(by, Version("tickets", 1, "0" * 64)), "label": "bad"}]
        response = await client.post("/v1/feedback", json={"items": items})
    assert response.status_code == 503
    assert "model store" in response.json()["detail"]


# -- spans ---------------------------------------------------------------------------------------

WAITER = "🙂 Rome has a waiter."


async def test_tags_are_judged_by_all_their_spans(url: str, given_settings: dict[str, Any]) -> None:
    async with scripted(scripted_tagger(), **given_settings) as (_, client):
        body = {"text": WAITER, "receipts": True, "offset_encoding": "utf16"}
        (result,) = (await client.post("/v1/tags", json=body)).json()["results"]
        spans = [{**token, "label": token["upos"]} for token in result["tokens"]]
        spans = [{key: span[key] for key in ("start", "end", "label")} for span in spans]
        assert spans[1] == {"start": 3, "end": 7, "label": "PROPN"}
        item = {"id": result["id"], "receipt": result["receipt"], "text": WAITER, "spans": spans}
        assert codes(await judge(client, item, offset_encoding="utf16")) == ["accepted"]
        wrong = [
            {**item, "spans": [{**spans[0], "start": 1}]},
            {**item, "spans": spans + spans[:1]},
        ]
        beyond = {**item, "spans": [{**spans[0], "end": 99}]}
        found = codes(await judge(client, *wrong, beyond, offset_encoding="utf16"))
        assert found == ["bad_span"] * 3
        blind = {key: item[key] for key in ("id", "receipt", "spans")}
        assert codes(await judge(client, blind, offset_encoding="utf16")) == ["text_needed"]
        label = {"id": item["id"], "receipt": item["receipt"], "label": "PROPN"}
        assert codes(await judge(client, label)) == ["wrong_kind"]
    (one,) = kept(url)
    assert (one.right, one.predicted, one.label, one.task) == (True, None, None, "tagging")
    assert one.spans[1] == Span(2, 6, "PROPN")


async def test_aspects_are_judged_by_places_and_categories(
    url: str, given_settings: dict[str, Any]
) -> None:
    asked = {"text": "Good Soup", "aspects": [{"text": "Soup", "start": 5, "end": 9}, "price"]}
    async with scripted(scripted_judge(), scripted_finder(), **given_settings) as (_, client):
        proof = await ask(client, "aspects", **asked)
        right = [
            {"category": "price", "label": "negative"},
            {"start": 5, "end": 9, "label": "positive"},
        ]
        assert codes(await judge(client, {**proof, "spans": right})) == ["accepted"]
        found = await ask(client, "aspects", text="Good Soup")
        wrong = [{"start": 0, "end": 9, "label": "negative"}]
        assert codes(await judge(client, {**found, "spans": wrong})) == ["accepted"]
    first, second = kept(url)
    assert (first.right, second.right) == (True, False)
    assert first.spans == (Span(0, 0, "negative", category="price"), Span(5, 9, "positive"))


async def test_pairs_and_analyses_have_receipts_too(
    url: str, given_settings: dict[str, Any]
) -> None:
    models = (ScriptedModel(), scripted_tagger(), scripted_pairs())
    async with scripted(*models, **given_settings) as (_, client):
        proof = await ask(client, "aspects", text="good Soup")
        spans = [{"start": 5, "end": 9, "label": "positive"}]
        assert codes(await judge(client, {**proof, "spans": spans})) == ["accepted"]
        body = {"text": "good Soup", "receipts": True}
        (result,) = (await client.post("/v1/analyze", json=body)).json()["results"]
        assert set(result["receipts"]) == {"sentiment", "tags", "aspects"}
        assert "receipt" not in result["sentiment"]
        found = await judge(
            client,
            {**result["receipts"]["sentiment"], "label": "positive"},
            {**result["receipts"]["aspects"], "spans": spans},
        )
        assert codes(found) == ["accepted", "accepted"]
    assert [(one.task, one.right) for one in kept(url)] == [
        ("pairs", True), ("sentiment", True), ("pairs", True)
    ]  # fmt: skip


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), st.data())
def test_places_come_back_in_code_points(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    for encoding, codec, width in (("utf8", "utf-8", 1), ("utf16", "utf-16-le", 2)):
        first, last = (len(text[:at].encode(codec)) // width for at in (start, end))
        body = {"id": "0" * 32, "receipt": "x", "text": text}
        span = {"start": first, "end": last, "label": "X"}
        item = JudgedItem.model_validate({**body, "spans": [span]})
        assert _spans(item, encoding, 100) == (Span(start, end, "X"),)  # type: ignore[arg-type]


async def test_a_long_text_is_judged_word_by_word(url: str, given_settings: dict[str, Any]) -> None:
    """More spans than are checked on the event loop, in places that are no code points."""
    text = "Größe zählt. " * 300
    async with scripted(scripted_tagger(), **given_settings) as (_, client):
        body = {"text": text, "receipts": True, "offset_encoding": "utf8"}
        (result,) = (await client.post("/v1/tags", json=body)).json()["results"]
        spans = [
            {"start": token["start"], "end": token["end"], "label": token["upos"]}
            for token in result["tokens"]
        ]
        item = {"id": result["id"], "receipt": result["receipt"], "text": text, "spans": spans}
        assert codes(await judge(client, item, offset_encoding="utf8")) == ["accepted"]
    (one,) = kept(url)
    assert one.right
    assert len(one.spans) == 900
    assert text[one.spans[-3].start : one.spans[-3].end] == "Größe"


# -- who may, and whether at all -----------------------------------------------------------------


async def test_without_receipts_an_answer_is_as_it_was(given_settings: dict[str, Any]) -> None:
    async with scripted(ScriptedModel(), **given_settings) as (_, client):
        (result,) = (await client.post("/v1/sentiment", json={"text": TEXT})).json()["results"]
        bad = {"texts": ["", TEXT], "receipts": True}
        refused, good = (await client.post("/v1/sentiment", json=bad)).json()["results"]
    assert list(result) == ["label", "score", "scores", "windows"]
    assert list(refused) == ["error"]
    assert list(good) == ["label", "score", "scores", "windows", "id", "receipt"]


async def test_words_that_came_split_have_no_receipts(given_settings: dict[str, Any]) -> None:
    async with scripted(scripted_tagger(), **given_settings) as (_, client):
        body = {"tokens": [["Good", "soup"]], "receipts": True}
        response = await client.post("/v1/tags", json=body)
    assert response.status_code == 422
    assert "receipts are for texts" in response.json()["detail"]


async def test_a_service_without_feedback_says_so() -> None:
    async with scripted(ScriptedModel(), scripted_judge(), feedback="off") as (_, client):
        response = await client.post("/v1/feedback", json={"items": []})
        assert (response.status_code, "is off" in response.json()["detail"]) == (404, True)
        for route in ("sentiment", "aspects", "analyze"):
            asked = {"text": TEXT, "receipts": True}
            response = await client.post(f"/v1/{route}", json=asked)
            assert response.status_code == 422
            assert response.json()["errors"][0]["pointer"] == "/receipts"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Basic open-sesame"}, 401),
        ({"authorization": "open-sesame"}, 401),
        ({"authorization": "bearer open-sesame"}, 200),
        ({"authorization": "Bearer open-sesame"}, 200),
    ],
)
async def test_a_token_where_one_is_asked(
    given_settings: dict[str, Any], header: dict[str, str], status: int
) -> None:
    token = hashlib.sha256(b"open-sesame").hexdigest()
    given = {**given_settings, "feedback_token_sha256": token}
    async with scripted(ScriptedModel(), **given) as (_, client):
        items = [{**await ask(client), "label": "positive"}]
        response = await client.post("/v1/feedback", json={"items": items}, headers=header)
    assert response.status_code == status
    if status == 401:
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["type"] == "urn:problem-type:valence:unauthorized"


@pytest.mark.parametrize(
    ("items", "pointer"),
    [
        ([], "/items"),
        ([{}] * 3, "/items"),
        ([{"id": "a" * 31, "label": "x"}], "/items/0/id"),
        ([{"label": "x", "spans": []}], "/items/0"),
        ([{}], "/items/0"),
        ([{"spans": [{"start": 1, "label": "x"}]}], "/items/0/spans/0"),
        ([{"spans": [{"start": 1, "end": 2, "category": "a", "label": "x"}]}], "/items/0/spans/0"),
        ([{"label": "x", "more": 1}], "/items/0"),
    ],
)
async def test_what_is_no_feedback(
    given_settings: dict[str, Any], items: list[dict[str, Any]], pointer: str
) -> None:
    whole = {"id": "a" * 32, "receipt": "x"}
    filled = [{**whole, **({"label": "x"} if len(items) > 1 else {}), **item} for item in items]
    async with scripted(ScriptedModel(), **given_settings, feedback_max_items=2) as (_, client):
        response = await client.post("/v1/feedback", json={"items": filled})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


async def test_a_database_that_cannot_be_written_loses_nothing_in_silence(
    tmp_path: Path, given_settings: dict[str, Any]
) -> None:
    configure(level="info", style="json")
    (tmp_path / "home").write_text("no folder yet")
    given = {**given_settings, "feedback": f"sqlite:///{tmp_path}/home/feedback.sqlite3"}
    async with scripted(ScriptedModel(), **given) as (_, client):
        item = {**await ask(client), "label": "positive", "text": TEXT}
        with capture_logs() as logs:
            response = await client.post("/v1/feedback", json={"items": [item]})
            await client.post("/v1/feedback", json={"items": [item]})
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) > 0
        assert "feedback database" in response.json()["detail"]
        assert [entry["event"] for entry in logs] == ["feedback_unavailable"]
        assert "zebra" not in f"{logs}{response.text}"
        assert (await client.get("/readyz")).status_code == 200
        assert (await figures(client, "valence_feedback_up"))[()] == 0
        (tmp_path / "home").unlink()
        with capture_logs() as logs:
            assert codes(await judge(client, item)) == ["accepted"]
        assert [entry["event"] for entry in logs] == ["feedback_answers_again"]
        assert (await figures(client, "valence_feedback_up"))[()] == 1


async def test_the_series_are_there_from_the_start(given_settings: dict[str, Any]) -> None:
    async with scripted(ScriptedModel(), **given_settings) as (_, client):
        counted = await figures(client, "valence_feedback_total")
        assert (await figures(client, "valence_feedback_up"))[()] == 1
    outcomes = ("accepted", "duplicate", "quarantined", "refused")
    expected = {("sentiment", outcome): 0.0 for outcome in outcomes}
    assert counted == {**expected, ("unknown", "refused"): 0.0}
