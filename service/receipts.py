"""Receipts: what the service can prove it has answered, though it remembers nothing.

A receipt is the base64url of a payload and its HMAC-SHA256:

    1 byte   the format, 1           4 bytes  issued at, seconds since 1970
    16       the prediction's id     8        how the digest of the version's manifest begins
    4        the version's number    16       the text, hidden by a key
    8        the score, a double     1        whether the answer is the digest of spans, or a label
    the rest: model, task and answer, in UTF-8, parted by zero bytes

Nothing of the text can be read from it. Whoever alters a bit, or passes it off as the receipt of
another text, label or model, is found out.
"""

import base64
import binascii
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from hmac import compare_digest
from struct import Struct
from typing import Any, Final, Protocol

from model_store import Version
from model_store.feedback import OFF, Prediction, Span, spans_digest
from nlp.tasks.aspects import AspectsAnswer
from nlp.tasks.base import Answer, Aspect, AspectItem
from nlp.tasks.pairs import PairsAnswer
from nlp.tasks.tagging import TaggingAnswer
from service.items import GivenItem, Render
from service.problems import FieldError, Invalid
from service.receipt_keys import MAC_BYTES, TEXT_BYTES, Key, load_keys
from service.settings import Settings

DAY_SECONDS: Final = 24 * 3600
DIGEST_BYTES: Final = 8
_FORMAT: Final = 1
_HEAD: Final = Struct(f">B16sIdI{DIGEST_BYTES}s{TEXT_BYTES}s?")


class BadReceiptError(Exception):
    """It is none of ours, or was altered."""


class ExpiredReceiptError(Exception):
    """It was ours, too long ago."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an opened receipt says; `key` is the one that signed it."""

    prediction: Prediction
    key: Key

    def is_of(self, text: str) -> bool:
        """Whether this is the very text that was predicted."""
        hidden = self.key.hide(text).hex()
        return compare_digest(hidden, self.prediction.text_digest)


class Answerer(Protocol):
    """What a receipt tells of an engine."""

    @property
    def version(self) -> Version: ...

    @property
    def task(self) -> str: ...


class Receipts:
    """Gives receipts and opens them. Keys are read when the first one is asked for."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        return load_keys(self._settings)

    def check(self, *, asked: bool) -> None:
        """Raise Invalid where receipts are asked of a service that takes no feedback."""
        if asked and self._settings.feedback == OFF:
            detail = "this service takes no feedback, so it gives no receipts"
            raise Invalid([FieldError(detail, pointer="/receipts")])

    def sealing(self, render: Render, engine: Answerer, *, asked: bool) -> Render:
        """`render`; where receipts are asked, its answers then end with `id` and `receipt`."""
        if not asked:
            return render
        key = self.keys[0]

        def sealed(item: GivenItem, answer: Answer) -> dict[str, Any]:
            content = render(item, answer)
            identifier = os.urandom(16)
            payload = self._payload(identifier, key.hide(_text(item)), engine, answer)
            receipt = base64.urlsafe_b64encode(payload + key.sign(payload)).rstrip(b"=").decode()
            return {**content, "id": identifier.hex(), "receipt": receipt}

        return sealed

    def open(self, receipt: str) -> Receipt:
        """Raises BadReceiptError, ExpiredReceiptError."""
        raw = _decoded(receipt)
        payload, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        signers = [key for key in self.keys if compare_digest(key.sign(payload), mac)]
        if not signers or payload[0] != _FORMAT:
            raise BadReceiptError
        issued, prediction = _prediction(payload)
        if issued + self._settings.receipt_days * DAY_SECONDS <= self._clock():
            raise ExpiredReceiptError
        return Receipt(prediction, signers[0])

    def _payload(self, identifier: bytes, text: bytes, engine: Answerer, answer: Answer) -> bytes:
        version = engine.version
        answered, score, in_spans = _said(answer)
        head = _HEAD.pack(
            _FORMAT,
            identifier,
            version.number,
            score,
            int(self._clock()),
            bytes.fromhex(version.digest)[:DIGEST_BYTES],
            text,
            in_spans,
        )
        return head + "\0".join((version.name, engine.task, answered)).encode()


def _decoded(receipt: str) -> bytes:
    """The bytes of a receipt in its one true spelling. Raises BadReceiptError."""
    try:
        raw = base64.b64decode(receipt + "=" * (-len(receipt) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadReceiptError from None
    spelled = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    if spelled != receipt or len(raw) < _HEAD.size + MAC_BYTES:
        raise BadReceiptError
    return raw


def _prediction(payload: bytes) -> tuple[int, Prediction]:
    """When it was issued, and what it says. The payload is one of ours."""
    _, identifier, number, score, issued, digest, text, in_spans = _HEAD.unpack_from(payload)
    model, task, answered = payload[_HEAD.size :].decode().split("\0", 2)
    return issued, Prediction(
        id=identifier.hex(),
        model=model,
        version=number,
        task=task,
        text_digest=text.hex(),
        predicted=None if in_spans else answered,
        score=score,
        digest=digest.hex(),
        spans=answered if in_spans else "",
    )


def _text(item: GivenItem) -> str:
    """Words that came already split have no receipts: the routes refuse to ask for them."""
    if isinstance(item, AspectItem):
        return item.text
    return item if isinstance(item, str) else " ".join(item)


def _said(answer: Answer) -> tuple[str, float, bool]:
    """The label and its probability; or the digest of the spans and the least of theirs, True."""
    match answer:
        case TaggingAnswer(tokens=tokens):
            return _in_spans(
                (_span(one.start, one.end, next(iter(one.tags.values()))) for one in tokens),
                (next(iter(one.scores.values())) for one in tokens),
            )
        case AspectsAnswer(aspects=aspects):
            return _in_spans(
                (_aspect(one.aspect, one.label) for one in aspects), (one.score for one in aspects)
            )
        case PairsAnswer(pairs=pairs):
            return _in_spans(
                (_span(one.start, one.end, one.label) for one in pairs),
                (one.score for one in pairs),
            )
    content = answer.to_dict()
    return content["label"], content["score"], False


def _in_spans(spans: Iterable[Span], scores: Iterable[float]) -> tuple[str, float, bool]:
    return spans_digest(spans), min(scores, default=0.0), True


def _span(start: int | None, end: int | None, label: str) -> Span:
    return Span(start or 0, end or 0, label)


def _aspect(aspect: Aspect, label: str) -> Span:
    if aspect.located:
        return _span(aspect.start, aspect.end, label)
    return Span(0, 0, label, category=aspect.text)
