"""What /metrics shows: Prometheus names, bounded labels, every series there from the start."""

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from model_store.feedback import ACCEPTED, DUPLICATE, QUARANTINED
from nlp.errors import BAD_ASPECT, EMPTY_TEXT, INVALID_UNICODE
from nlp.pair_grammar import labels_of
from service.items import MODEL_FAILED, TEXT_TOO_LONG
from service.memory import memory_limit_bytes
from service.problems import PROBLEMS
from service.tickets import BatchReport

SIDE_OUTCOMES: Final = ("scored", "failed")
RELOAD_OUTCOMES: Final = ("loaded", "refused", "unavailable")
ITEM_ERRORS: Final = (EMPTY_TEXT, INVALID_UNICODE, BAD_ASPECT, TEXT_TOO_LONG, MODEL_FAILED)
OTHER: Final = "other"
SIGNATURE, DIGEST, ANSWERS = "signature", "digest", "answers"
REFUSAL_REASONS: Final = (SIGNATURE, DIGEST, ANSWERS, OTHER)
PREDICT_STATUSES: Final = (200, 400, 404, 408, 413, 415, 422, 429, 500, 503, 504, 499)
REFUSED: Final = "refused"
FEEDBACK_OUTCOMES: Final = (ACCEPTED, DUPLICATE, QUARANTINED, REFUSED)
ROUTES: Final[dict[str, tuple[int, ...]]] = {
    "/v1/sentiment": PREDICT_STATUSES,
    "/v1/tags": PREDICT_STATUSES,
    "/v1/aspects": PREDICT_STATUSES,
    "/v1/analyze": PREDICT_STATUSES,
    "/v1/score": PREDICT_STATUSES,
    "/v1/generate": PREDICT_STATUSES,
    "/v1/feedback": (*PREDICT_STATUSES, 401),
    "/v1/models": (200, 500),
    "/v1/models/{name}": (200, 404, 500, 503),
    "/healthz": (200,),
    "/readyz": (200, 503),
    "/metrics": (200,),
    "/openapi.json": (200,),
    OTHER: (404, 405),
}
"""Each route and the statuses it may answer; `other` is every path there is not."""

OUTCOMES: Final = ("ok", "refused", "failed")
"""Statuses below 400, below 500, and the rest: a refusal in a millisecond is no fast answer."""

_REQUEST_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25),
    *(0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)  # round bounds, so that an objective can name one
_SECONDS = tuple(round(0.0001 * 2**i, 6) for i in range(18))  # 0.1 ms to 13 s
_SIZES = tuple(2**i for i in range(10))
_TOKENS = tuple(2**i for i in range(3, 16))
_SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
_RATIOS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """The series of one model, found once so that a request pays for no look-up."""

    encode: Histogram
    queue: Histogram
    forward: Histogram
    decode: Histogram
    batch_size: Histogram
    batch_tokens: Histogram
    padding: Histogram
    confidence: Histogram
    tokens: Counter
    item_errors: dict[str, Counter]
    labels: dict[str, Counter]

    def count(self, result: Mapping[str, Any]) -> None:
        """One item's answer: its error, or its label, or those of its aspects."""
        if "error" in result:
            self.item_errors[result["error"]["code"]].inc()
        elif "label" in result:
            self.labels[result["label"]].inc()
        else:
            for aspect in result.get("aspects", ()):
                if "label" in aspect:
                    self.labels[aspect["label"]].inc()

    def on_batch(self, report: BatchReport) -> None:
        self.forward.observe(report.seconds)
        self.batch_size.observe(report.rows)
        self.batch_tokens.observe(report.tokens)
        self.padding.observe(report.padding)


class Metrics:
    """One registry of our own: nothing global, so two services in a process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests_series()
        self._model_series()
        self._reload_series()
        self._feedback_series()
        self._models: dict[str, ModelMetrics] = {}

    def _requests_series(self) -> None:
        self.requests = self._counter("requests", "Answers by status.", "route", "status")
        self.duration = self._histogram(
            "request_duration_seconds", "Whole request.", _REQUEST_SECONDS, "route", "outcome"
        )
        self.first_piece = self._histogram(
            "first_piece_seconds", "To the first piece of a text that is written.", _SECONDS
        )
        self.in_flight = self._gauge("requests_in_flight", "Requests being answered.")
        self.rejected = self._counter("rejected", "Refusals by reason.", "reason")
        self.build = self._gauge("build_info", "Constant 1.", "version", "python")
        self.build.labels(package_version(), platform.python_version()).set(1)
        memory = self._gauge("memory_limit_bytes", "What the container, or the machine, may use.")
        memory.set(memory_limit_bytes())
        for route, statuses in ROUTES.items():
            for outcome in OUTCOMES:
                self.duration.labels(route, outcome)
            for status in statuses:
                self.requests.labels(route, str(status))
        for problem in PROBLEMS.values():
            self.rejected.labels(problem.code)

    def _model_series(self) -> None:
        self.stages = {
            stage: self._histogram(f"{stage}_duration_seconds", text, _SECONDS, "model")
            for stage, text in (
                ("encode", "Texts of a request to arrays."),
                ("queue", "From submission to the device."),
                ("forward", "One batch on the device."),
                ("decode", "Arrays of a request to answers."),
            )
        }
        self.batch_size = self._histogram("batch_size", "Rows of a batch.", _SIZES, "model")
        self.batch_tokens = self._histogram("batch_tokens", "Tokens of a batch.", _TOKENS, "model")
        self.padding = self._histogram(
            "batch_padding_ratio", "Share of a batch that is padding.", _RATIOS, "model"
        )
        self.confidence = self._histogram(
            "confidence",
            "Probability of an item's answer, of several their mean.",
            _SHARES,
            "model",
        )
        self.side_scores = self._counter(
            "drift_perplexity", "Texts scored by a language model for drift.", "outcome"
        )
        for outcome in SIDE_OUTCOMES:
            self.side_scores.labels(outcome)
        self.queue_depth = self._gauge("queue_depth", "Requests waiting or running.", "model")
        self.queue_tokens = self._gauge("queue_tokens", "Tokens waiting or running.", "model")
        self.queue_limit = self._gauge("queue_limit_tokens", "Beyond: 429, for each model.")
        self.stuck = self._gauge("batch_stuck", "1 while a batch does not come back.", "model")
        self.tokens = self._counter("tokens", "Tokens answered.", "model")
        self.item_errors = self._counter("item_errors", "Items refused.", "model", "code")
        self.predictions = self._counter("predictions", "Answers by label.", "model", "label")

    def _reload_series(self) -> None:
        self.info = self._gauge(
            "model_info", "1 for each version served.", "model", "version", "digest", "alias"
        )
        self.current = self._gauge(
            "model_current", "1 while what is served is what the alias names.", "model", "alias"
        )
        self.reloads = self._counter("model_reload", "Loads by outcome.", "model", "outcome")
        self.refused = self._counter("model_refused", "Versions refused.", "model", "reason")
        self.signatures_required = self._gauge(
            "signatures_required", "1 where only versions signed by a trusted key are served."
        )
        self.loading = self._histogram(
            "model_load_duration_seconds", "Fetch, verify, load, replay.", _SECONDS, "model"
        )
        self.store_up = self._gauge("store_up", "0 while the model store does not answer.")
        self.loaded = self._gauge("models_loaded", "Versions in memory.")
        self.ready = self._gauge("ready", "1 while /readyz answers 200.")

    def _feedback_series(self) -> None:
        self.feedback = self._counter("feedback", "Judgements by outcome.", "model", "outcome")
        self.judged = self._counter(
            "feedback_judged", "Accepted judgements: was the answer right?", "model", "right"
        )
        self.feedback_up = self._gauge(
            "feedback_up", "0 while the feedback database does not answer."
        )
        self.feedback.labels("unknown", REFUSED)  # no model can be told from a bad receipt

    def count_feedback(self, model: str, outcome: str, *, right: bool = False) -> None:
        """One judgement; what is accepted says whether the answer was right."""
        self.feedback.labels(model, outcome).inc()
        if outcome == ACCEPTED:
            self.judged.labels(model, str(right).lower()).inc()

    def model(self, name: str, labels: Iterable[str] = ()) -> ModelMetrics:
        """The series of a model, made on first use; `labels` are those it predicts of a text."""
        if name not in self._models:
            self._models[name] = self._model(name)
        found = self._models[name]
        for label in labels:
            found.labels.setdefault(label, self.predictions.labels(name, label))
        return found

    def _model(self, name: str) -> ModelMetrics:
        for outcome in RELOAD_OUTCOMES:
            self.reloads.labels(name, outcome)
        for reason in REFUSAL_REASONS:
            self.refused.labels(name, reason)
        self.loading.labels(name)
        for outcome in FEEDBACK_OUTCOMES:
            self.feedback.labels(name, outcome)
        for right in ("true", "false"):
            self.judged.labels(name, right)
        return ModelMetrics(
            encode=self.stages["encode"].labels(name),
            queue=self.stages["queue"].labels(name),
            forward=self.stages["forward"].labels(name),
            decode=self.stages["decode"].labels(name),
            batch_size=self.batch_size.labels(name),
            batch_tokens=self.batch_tokens.labels(name),
            padding=self.padding.labels(name),
            confidence=self.confidence.labels(name),
            tokens=self.tokens.labels(name),
            item_errors={code: self.item_errors.labels(name, code) for code in ITEM_ERRORS},
            labels={},
        )

    def watch_queue(
        self,
        name: str,
        depth: Callable[[], float],
        tokens: Callable[[], float],
        stuck: Callable[[], float],
    ) -> None:
        """Read the queue of a model at each scrape."""
        self.queue_depth.labels(name).set_function(depth)
        self.queue_tokens.labels(name).set_function(tokens)
        self.stuck.labels(name).set_function(stuck)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"valence_{name}_total", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"valence_{name}", text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(f"valence_{name}", text, labels, registry=self.registry, buckets=buckets)


def outcome_of(status: int) -> str:
    """One of OUTCOMES."""
    return "ok" if status < 400 else "refused" if status < 500 else "failed"


def labels_counted(layers: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """The labels that answers are counted by: those of a text, of an aspect or of a pair."""
    return layers.get("sentiment", labels_of(layers.get("pairs", ())))


def package_version() -> str:
    """This distribution's version; `0` when it runs from a folder that was never installed."""
    try:
        return version("valence-nlp")
    except PackageNotFoundError:
        return "0"
