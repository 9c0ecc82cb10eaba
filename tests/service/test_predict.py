"""POST /v1/sentiment and /v1/tags against the real application and real, small models."""

import json
from typing import Any

import pytest
from serving import Running

from model_store import Store

pytestmark = pytest.mark.anyio
GOOD, BAD = "A warm, funny and beautifully acted film.", "Dull, noisy and far too long."


async def test_answers_come_in_order_and_name_their_version(
    running: Running, store: Store
) -> None:
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
