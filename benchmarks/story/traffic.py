"""What people send: labelled texts, asked in small requests by several clients at once."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Final, TypeVar

import httpx

CLIENTS: Final = 4
TEXTS_A_REQUEST: Final = 16
TIMEOUT_SECONDS: Final = 30.0
JUDGEMENTS_A_REQUEST: Final = 100
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and what a person says of it."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said of a text, with what a judgement of it needs."""

    asked: Labelled
    label: str
    id: str
    receipt: str

    @property
    def right(self) -> bool:
        return self.label == self.asked.label


def ask(url: str, items: Sequence[Labelled]) -> list[Answer]:
    """Every item's answer, in order; receipts are asked for."""
    with ThreadPoolExecutor(CLIENTS) as pool, httpx.Client(timeout=TIMEOUT_SECONDS) as client:
        parts = pool.map(lambda part: _ask(client, url, part), parts_of(items, TEXTS_A_REQUEST))
        return [answer for part in parts for answer in part]


def accuracy(answers: Sequence[Answer]) -> float:
    """Share of right ones."""
    return sum(answer.right for answer in answers) / len(answers)


def parts_of(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Runs of at most `size`, in order."""
    return [items[i : i + size] for i in range(0, len(items), size)]


def _ask(client: httpx.Client, url: str, part: Sequence[Labelled]) -> list[Answer]:
    body = {"texts": [item.text for item in part], "receipts": True}
    answer = client.post(f"{url}/v1/sentiment", json=body)
    answer.raise_for_status()
    results = answer.json()["results"]
    return [
        Answer(item, result["label"], result["id"], result["receipt"])
        for item, result in zip(part, results, strict=True)
        if "error" not in result
    ]


def judge(url: str, judgements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send feedback; each item's outcome, in order."""
    found: list[dict[str, Any]] = []
    with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
        for part in parts_of(judgements, JUDGEMENTS_A_REQUEST):
            answer = client.post(f"{url}/v1/feedback", json={"items": part})
            answer.raise_for_status()
            found += answer.json()["results"]
    return found


def judgement(answer: Answer, label: str | None = None) -> dict[str, Any]:
    """What a person says of an answer: the text's own label, or the one given."""
    said = answer.asked.label if label is None else label
    return {"id": answer.id, "receipt": answer.receipt, "label": said, "text": answer.asked.text}


@dataclass(slots=True)
class Load:
    """Clients that ask without a pause; which version answered when, and what failed."""

    url: str
    texts: Sequence[str]
    pause: float = 0.0
    seen: list[list[tuple[float, int]]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        self.seen = [[] for _ in range(CLIENTS)]
        threads = [threading.Thread(target=self._client, args=(seen,)) for seen in self.seen]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join(TIMEOUT_SECONDS)

    def answered(self) -> int:
        return sum(map(len, self.seen))

    def all_see(self, version: int) -> bool:
        """Whether the last answer to each client came from that version."""
        return all(seen and seen[-1][1] == version for seen in self.seen)

    def last_of(self, version: int) -> float:
        """When the last answer by that version came, in `time.monotonic()` seconds."""
        return max(at for seen in self.seen for at, number in seen if number == version)

    def _client(self, seen: list[tuple[float, int]]) -> None:
        texts = cycle(self.texts)
        with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
            while not self._stopped.is_set():
                try:
                    answer = client.post(f"{self.url}/v1/sentiment", json={"text": next(texts)})
                    answer.raise_for_status()
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                    return
                seen.append((time.monotonic(), answer.json()["model"]["version"]))
                time.sleep(self.pause)
