"""What people send of answers, checked item by item: a bad one fails alone.

Code            the item
bad_receipt     has a receipt that is none of ours, was altered, or belongs to another id
expired_receipt has one that is too old
unknown_model   is about a version that is not in this service's store
wrong_kind      has a label where the answer was spans, or spans where it was a label
unknown_label   has a label that the version does not have
bad_span        has a span that is no place of the text, or two at one place
text_needed     counts in something else than code points, without the text to count in
wrong_text      has a text that is not the one that was predicted
text_too_long   has a text longer than any that is read
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from model_store import NotFound as StoreNotFound
from model_store import StoreError
from model_store.feedback import Prediction, Span, Submission
from model_store.manifest import Manifest
from nlp.errors import TextError
from nlp.offsets import OffsetEncoding
from nlp.pair_grammar import labels_of
from service.items import TEXT_TOO_LONG, Refused
from service.places import code_points
from service.problems import NotReady
from service.receipts import BadReceiptError, ExpiredReceiptError, Receipt, Receipts
from service.registry import Registry
from service.schemas.feedback import JudgedItem, JudgedSpan
from service.settings import Settings

REMEMBERED: Final = 256
SHOWN_LABELS: Final = 50
LARGE_SPANS: Final = 500
"""To check more takes a millisecond and more."""

NOBODY: Final = "unknown"
"""The model in the metrics of what cannot be traced to one."""

_UNKNOWN_MODEL: Final = Refused("unknown_model", "this service's store has no such version")


class RefusedItemError(Exception):
    """Inside this module only."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.refused = Refused(code, message)


@dataclass(frozen=True, slots=True)
class Checked:
    """An item that may be kept, or why not; `model` is the one it is about.

    right: whether the answer was, by an item that may be kept.
    """

    model: str
    found: Submission | Refused
    right: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """An item whose receipt is good, and the labels it may give."""

    item: JudgedItem
    receipt: Receipt
    labels: Sequence[str]


class Labels:
    """The labels of versions: of those in memory, else by the store's manifest."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: OrderedDict[tuple[str, int, str], tuple[str, ...]] = OrderedDict()

    async def of(self, prediction: Prediction) -> tuple[str, ...]:
        """Empty for a version that is not there. Raises NotReady where nobody can tell."""
        for engine in self._registry.engines():
            version = engine.version
            if (version.name, version.number) == (prediction.model, prediction.version):
                same = version.digest.startswith(prediction.digest)
                return _judged_labels(engine.task, engine.layers) if same else ()
        key = (prediction.model, prediction.version, prediction.digest)
        if key not in self._known:
            found = await self._stored(prediction)
            if not found:
                return found
            self._known[key] = found
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[key]

    async def _stored(self, prediction: Prediction) -> tuple[str, ...]:
        try:
            manifest: Manifest = await self._registry.store.run(
                lambda store: store.manifest(prediction.model, prediction.version)
            )
        except StoreNotFound:
            return ()
        except StoreError:
            raise NotReady("the model store does not answer", retry_seconds=5) from None
        if not manifest.digest.startswith(prediction.digest):
            return ()
        layers = manifest.raw.get("layers")
        return _judged_labels(manifest.raw.get("task"), layers if isinstance(layers, dict) else {})


def _judged_labels(task: object, layers: Mapping[str, Any]) -> tuple[str, ...]:
    """Those that a judgement may give: of a text, an aspect, a pair, or of the first layer."""
    if task == "pairs":
        return labels_of(layers.get("pairs", ()))
    if task == "tagging":
        return tuple(next(iter(layers.values()), ()))
    return tuple(layers.get("sentiment", ()))


@dataclass(frozen=True, slots=True)
class Judging:
    """The checks of one service."""

    settings: Settings
    receipts: Receipts
    labels: Labels

    async def check(self, items: Sequence[JudgedItem], encoding: OffsetEncoding) -> list[Checked]:
        """Every item as a submission or refused, in order; many spans are looked at in a thread.

        Raises NotReady.
        """
        known = [await self._known(item) for item in items]
        if sum(len(item.spans) for item in items) <= LARGE_SPANS:
            return self._checked(known, encoding)
        return await asyncio.to_thread(self._checked, known, encoding)

    async def _known(self, item: JudgedItem) -> Known | Checked:
        try:
            receipt = self._opened(item)
        except RefusedItemError as error:
            return Checked(NOBODY, error.refused)
        labels = await self.labels.of(receipt.prediction)
        if not labels:
            return Checked(receipt.prediction.model, _UNKNOWN_MODEL)
        return Known(item, receipt, labels)

    def _checked(self, known: Sequence[Known | Checked], encoding: OffsetEncoding) -> list[Checked]:
        return [one if isinstance(one, Checked) else self._check(one, encoding) for one in known]

    def _check(self, known: Known, encoding: OffsetEncoding) -> Checked:
        prediction = known.receipt.prediction
        try:
            self._check_text(known.item, known.receipt)
            found = self._submission(known.item, prediction, known.labels, encoding)
        except RefusedItemError as error:
            return Checked(prediction.model, error.refused)
        return Checked(prediction.model, found, found.right)

    def _opened(self, item: JudgedItem) -> Receipt:
        try:
            receipt = self.receipts.open(item.receipt)
        except BadReceiptError:
            raise RefusedItemError("bad_receipt", "this is no receipt of this service") from None
        except ExpiredReceiptError:
            days = self.settings.receipt_days
            message = f"the receipt is older than {days} days"
            raise RefusedItemError("expired_receipt", message) from None
        if receipt.prediction.id != item.id:
            raise RefusedItemError("bad_receipt", "the receipt belongs to another id")
        return receipt

    def _check_text(self, item: JudgedItem, receipt: Receipt) -> None:
        text, limit = item.given_text, self.settings.max_text_characters
        if text is None:
            return
        if len(text) > limit:
            raise RefusedItemError(TEXT_TOO_LONG, f"the text is longer than {limit} code points")
        if not receipt.is_of(text):
            raise RefusedItemError("wrong_text", "this is not the text that was predicted")

    def _submission(
        self,
        item: JudgedItem,
        prediction: Prediction,
        labels: Sequence[str],
        encoding: OffsetEncoding,
    ) -> Submission:
        if item.in_spans == bool(prediction.predicted):
            wanted = "a label" if prediction.predicted else "spans"
            raise RefusedItemError("wrong_kind", f"this answer is judged by {wanted}")
        said = [span.label for span in item.spans] if item.in_spans else [item.label]
        if not set(said) <= set(labels):
            allowed = ", ".join(labels[:SHOWN_LABELS])
            raise RefusedItemError("unknown_label", f"the version's labels are {allowed}")
        text, until = self._kept(item)
        if not item.in_spans:
            return Submission(prediction, item.label, (), text, until)
        spans = _spans(item, encoding, self.settings.max_text_characters)
        return Submission(prediction, None, spans, text, until)

    def _kept(self, item: JudgedItem) -> tuple[str | None, datetime | None]:
        """The text and its date, where texts may be kept."""
        if item.given_text is None or not self.settings.feedback_texts:
            return None, None
        days = timedelta(days=self.settings.feedback_text_days)
        return item.given_text, datetime.now(UTC) + days


def _spans(item: JudgedItem, encoding: OffsetEncoding, limit: int) -> tuple[Span, ...]:
    """In code points. Raises RefusedItemError."""
    convert = _converter(item.given_text, encoding)
    try:
        spans = tuple(_span(span, convert) for span in item.spans)
    except TextError:
        raise RefusedItemError("bad_span", "a span is no place of the text") from None
    size = limit if item.given_text is None else len(item.given_text)
    if any(span.located and not span.start < span.end <= size for span in spans):
        raise RefusedItemError("bad_span", "a span is no place of the text")
    if len({span.place for span in spans}) < len(spans):
        raise RefusedItemError("bad_span", "two spans are at the same place")
    return spans


def _span(given: JudgedSpan, convert: Callable[[int], int]) -> Span:
    if not given.located:
        return Span(0, 0, given.label, given.category)
    return Span(convert(given.start), convert(given.end), given.label)


def _converter(text: str | None, encoding: OffsetEncoding) -> Callable[[int], int]:
    """To code points. Raises RefusedItemError where there is no text to count in."""
    if text is not None:
        return code_points(text, encoding)
    if encoding != "codepoint":
        raise RefusedItemError("text_needed", f"send the text to count in {encoding}, too")
    return int
