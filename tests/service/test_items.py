"""One strange item must not fail its neighbours, in any stage."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from nlp.tasks.base import Encoded, Row
from service.fakes import ScriptedModel
from service.items import MODEL_FAILED, Refused, characters, decode_items, encode_items
from service.tickets import DeviceFailed


class Fragile(ScriptedModel):
    """Raises in the stage named by the text."""

    def encode(self, item: Any) -> Any:  # noqa: ANN401
        if item == "encode":
            raise KeyError(item)
        return super().encode(item)

    def decode(self, encoded: Any, rows: Sequence[Row]) -> Any:  # noqa: ANN401
        if encoded.words.words == ("decode",):
            raise IndexError
        return super().decode(encoded, rows)


def answers(model: ScriptedModel, items: Sequence[str], outcomes: Sequence[Any]) -> list[Any]:
    encoded = encode_items(model, items, 100)
    return decode_items(model, items, encoded, outcomes, lambda _, answer: answer.to_dict())


def test_each_stage_fails_for_one_item_only() -> None:
    model, items = Fragile(), ["fine", "encode", "decode", "device"]
    encoded = [entry for entry in encode_items(model, items, 100) if isinstance(entry, Encoded)]
    rows = [model.forward(entry.windows) for entry in encoded]
    with capture_logs() as logged:
        found = answers(model, items, [*rows[:2], DeviceFailed("id")])
    codes = [answer.get("error", {}).get("code") for answer in found]
    assert codes == [None, MODEL_FAILED, MODEL_FAILED, MODEL_FAILED]
    assert [entry["event"] for entry in logged] == ["encode_failed", "decode_failed"]
    for answer, entry in zip(found[1:], logged, strict=False):
        assert entry["incident"] in answer["error"]["message"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_score_that_is_no_number_is_no_answer(value: float) -> None:
    rows = [{"sentiment": np.array([value, 0.0], np.float32)}]
    with np.errstate(invalid="ignore"):
        (answer,) = answers(ScriptedModel(), ["fine"], [rows])
    assert answer["error"]["code"] == MODEL_FAILED


def test_the_limit_counts_code_points_and_words() -> None:
    assert characters("😀é") == 2
    assert characters(("ab", "c")) == 5
    found = encode_items(ScriptedModel(), ["x" * 100, "x" * 101], 100)
    assert isinstance(found[0], Encoded)
    assert isinstance(found[1], Refused)
    assert found[1].code == "text_too_long"
