"""One request's items through a model's first and last stage; a bad item fails alone."""

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from nlp.errors import TextError
from nlp.generation import Generation, GenerationPolicy
from nlp.tasks.base import Answer, AspectItem, Encoded, Row, Search, Window
from service.logs import describe
from service.tickets import DeviceFailed, Outcome

log = structlog.get_logger()

TEXT_TOO_LONG: Final = "text_too_long"
MODEL_FAILED: Final = "model_failed"

AROUND_CHARACTERS: Final = 2000
"""What is read at most around an aspect whose place is known: a window of some 256 words."""

GivenItem = str | tuple[str, ...] | AspectItem
"""A raw text, words already tokenised, or a text with the aspects that are asked of it."""

Render = Callable[[GivenItem, Answer], dict[str, Any]]
"""How a route writes one answer."""


class AnsweringModel(Protocol):
    """What the service asks of a model; `nlp.model.Model` is one, `service.fakes` has another."""

    @property
    def manifest(self) -> Mapping[str, Any]: ...

    @property
    def stepwise(self) -> bool: ...

    def encode(self, item: GivenItem) -> Encoded: ...

    def search(self, encoded: Encoded) -> Search: ...

    def generate(self, prompt: str, policy: GenerationPolicy) -> Generation: ...

    def forward(self, windows: Sequence[Window]) -> list[Row]: ...

    def decode(self, encoded: Encoded, rows: Sequence[Row]) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Refused:
    """An item without an answer: a stable code and a sentence."""

    code: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message}}


def characters(item: GivenItem) -> int:
    """Code points of an item; each word counts one more, for the work it makes."""
    if isinstance(item, str):
        return len(item)
    if isinstance(item, AspectItem):
        return len(item.text)
    return sum(map(len, item)) + len(item)


def work_of(item: GivenItem) -> int:
    """Code points to read: for each aspect the text is read again, around its place or whole."""
    if not isinstance(item, AspectItem):
        return characters(item)
    size = len(item.text)
    around = min(size, AROUND_CHARACTERS)
    return size + sum(around if aspect.located else size for aspect in item.aspects)


def encode_items(
    model: AnsweringModel, items: Sequence[GivenItem], limit: int
) -> list[Encoded | Refused]:
    """Every item encoded or refused, in order; `limit` in code points."""
    return [_encode(model, item, limit) for item in items]


def _encode(model: AnsweringModel, item: GivenItem, limit: int) -> Encoded | Refused:
    if characters(item) > limit:
        return Refused(TEXT_TOO_LONG, f"the text is longer than {limit} code points; split it")
    try:
        return model.encode(item)
    except TextError as error:
        return Refused(error.code, str(error))
    except Exception as error:  # noqa: BLE001 - one strange item must not fail its neighbours
        return _failed("encode_failed", error)


def decode_items(
    model: AnsweringModel,
    items: Sequence[GivenItem],
    encoded: Sequence[Encoded | Refused],
    outcomes: Sequence[Outcome],
    render: Render,
) -> list[dict[str, Any]]:
    """Every item's answer or error as it goes over the wire, in order.

    outcomes: one for each item that was encoded.
    """
    waiting = iter(outcomes)
    return [
        entry.to_dict()
        if isinstance(entry, Refused)
        else _decode(model, item, entry, next(waiting), render)
        for item, entry in zip(items, encoded, strict=True)
    ]


def _decode(
    model: AnsweringModel, item: GivenItem, encoded: Encoded, outcome: Outcome, render: Render
) -> dict[str, Any]:
    if isinstance(outcome, DeviceFailed):
        return Refused(MODEL_FAILED, str(outcome)).to_dict()
    try:
        answer = render(item, model.decode(encoded, outcome))
    except Exception as error:  # noqa: BLE001 - one strange item must not fail its neighbours
        return _failed("decode_failed", error).to_dict()
    if not all(math.isfinite(score) for score in _scores(answer)):
        return Refused(MODEL_FAILED, "the model gave no finite score for this item").to_dict()
    return answer


def _scores(answer: Mapping[str, Any]) -> list[float]:
    """The numbers that say whether a network has lost itself."""
    if "score" in answer:
        return [answer["score"]]
    if "perplexity" in answer:
        return [answer["perplexity"]]
    entries = answer["tokens"] if "tokens" in answer else answer["aspects"]
    return [entry["score"] for entry in entries]


def _failed(event: str, error: Exception) -> Refused:
    incident = secrets.token_hex(8)
    log.error(event, incident=incident, **describe(error))
    return Refused(MODEL_FAILED, f"the model failed on this item (incident {incident})")
