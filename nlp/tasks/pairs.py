"""Aspect-sentiment extraction by generation: text in, "menu positive ; price negative" out.

The network writes a text of pairs word by word, aspects copied from the text by place; a beam
search over it is held to `nlp.pair_grammar`, so that nothing but valid pairs can come out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import exp
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from nlp.decoding import log_softmax
from nlp.features import Features
from nlp.pair_grammar import END_OUTPUT, PairGrammar, WordPair, labels_of, to_prefix
from nlp.search import BeamSearch, Hypothesis
from nlp.sentences import sentence_bounds
from nlp.tasks.base import Arrays, AspectItem, Encoded, Floats, Item, Row, Window
from nlp.text import Splitter, given_words
from nlp.vocabulary import Vocabulary

LAYER: Final = "pairs"
PREFIX: Final = "prefix"
WRITTEN: Final = "written"
"""In what a search has found: the outputs of the n best hypotheses, (n, steps), -1 behind."""
SCORES: Final = "scores"
"""In what a search has found: the log-probabilities of those outputs, (n, steps), 0 behind."""

BEAM: Final = 4
MOST_STEPS: Final = 64
"""Outputs for one sentence: some 16 pairs of two words. It bounds what a hostile text can cost."""

_PROBED: Final = 4


@dataclass(frozen=True, slots=True)
class AspectPair:
    """An aspect of the text, its sentiment, and how probable the two are together.

    text: the text itself from start to end, in code points, half-open; start and end are None for
        words that came already tokenised, and the text then joins them with blanks.
    score: the product of its steps' probabilities, those of its words and of its label, each among
        what the grammar allows there, given all that is written before it.
    """

    text: str
    start: int | None
    end: int | None
    label: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        place = {"text": self.text, "start": self.start, "end": self.end}
        return {**place, "label": self.label, "score": self.score}


@dataclass(frozen=True, slots=True)
class PairsAnswer:
    """The pairs in the order of the text; none overlap.

    score: the probability of all that was written, ends and separators included; the product over
        the text's windows.
    """

    pairs: tuple[AspectPair, ...]
    score: float
    windows: int

    def to_dict(self) -> dict[str, Any]:
        pairs = [pair.to_dict() for pair in self.pairs]
        return {"pairs": pairs, "score": self.score, "windows": self.windows}


@dataclass(frozen=True, slots=True)
class EncodedPairs(Encoded):
    """text: what the words were split from; None for words that came already tokenised."""

    text: str | None = None

    @property
    def starts(self) -> list[int]:
        """The first word of each window."""
        return list(accumulate((len(window.words) for window in self.windows), initial=0))[:-1]


@dataclass(frozen=True, slots=True)
class Pairs:
    """A text is read sentence by sentence, as in training; a sentence over the limit is cut in
    equal parts. Each is decoded by itself; a text without words has no pairs.

    beam: hypotheses kept open, 1 is greedy. length_penalty: see `nlp.search`.
    n_best: how many hypotheses a search gives of each window; the answer is the first.
    temperature: of every step, fitted on dev.
    """

    symbols: tuple[str, ...]
    split: Splitter
    vocabulary: Vocabulary
    features: Features
    window_tokens: int = 256
    temperature: float = 1.0
    beam: int = BEAM
    length_penalty: float = 0.0
    n_best: int = 1

    @property
    def layers(self) -> Mapping[str, tuple[str, ...]]:
        return {LAYER: self.symbols}

    @property
    def labels(self) -> tuple[str, ...]:
        return labels_of(self.symbols)

    def encode(self, item: Item) -> EncodedPairs:
        """Windows as they are before anything is written. Given aspects are not looked at.

        Raises TextError for a lone surrogate.
        """
        item = item.text if isinstance(item, AspectItem) else item
        text = item if isinstance(item, str) else None
        words = self.split(text) if text is not None else given_words(item)
        bounds = sentence_bounds(words, text)
        features, limit = self.features, self.window_tokens
        parts = features.windows(bounds, words.words, limit=limit, join=False)
        windows = tuple(self.window(words.words[a:b]) for a, b in parts)
        return EncodedPairs(words, windows, text)

    def window(self, words: Sequence[str], written: Sequence[int] = ()) -> Window:
        """The window of these words, with outputs already written about them."""
        return _after(self.features.window(words, self.vocabulary), written)

    def grammar(self, window: Window) -> PairGrammar:
        return PairGrammar(len(self.symbols), len(window.words))

    def collate(self, windows: Sequence[Window]) -> Arrays:
        return self.features.collate(windows)

    def search(self, encoded: Encoded) -> "PairsSearch":
        return PairsSearch(self, encoded.windows)

    def distributions(self, encoded: Encoded, rows: Sequence[Row]) -> Mapping[str, Floats]:  # noqa: ARG002
        """None: what is found is a text, not a choice among labels."""
        return {}

    def decode(self, encoded: Encoded, rows: Sequence[Row]) -> PairsAnswer:
        """rows: what `search` has found."""
        read = cast(EncodedPairs, encoded)
        found = [pair for pairs in self.ranges(read, rows) for pair in pairs]
        pairs = tuple(self._located(read, pair, score) for pair, score in found)
        score = exp(sum(float(row[SCORES][0].sum()) for row in rows))
        return PairsAnswer(pairs, score, len(rows))

    def ranges(
        self, encoded: EncodedPairs, rows: Sequence[Row], *, place: int = 0
    ) -> list[list[tuple[WordPair, float]]]:
        """By window, the pairs of the hypothesis at `place` of the n best, by the words of the
        whole text, each with its score. A window that has fewer hypotheses has no pairs.
        """
        read = zip(encoded.starts, encoded.windows, rows, strict=True)
        return [list(self._read(start, window, row, place)) for start, window, row in read]

    def step_scores(self, row: Row, window: Window, written: Sequence[int]) -> Floats:
        """Log-probabilities of the next outputs, among those allowed; -inf for others. (outputs,)

        row: the network's answer to the window with `written`, still padded.
        """
        grammar = self.grammar(window)
        logits = row[LAYER][len(written), : grammar.size].astype(np.float64)
        allowed = grammar.allowed(written)
        return log_softmax(np.where(allowed, logits / self.temperature, -np.inf))

    def probe(self, words: Sequence[str]) -> Window:
        """Every fourth word of the window begins a pair that is already written."""
        grammar = PairGrammar(len(self.symbols), len(words))
        pairs = (
            WordPair(a, min(a + 1 + i % 2, len(words)), i % len(self.labels))
            for i, a in enumerate(range(0, len(words), _PROBED))
        )
        return self.window(words, grammar.write(pairs)[:-1][:MOST_STEPS])

    def _read(
        self, start: int, window: Window, row: Row, place: int
    ) -> Iterator[tuple[WordPair, float]]:
        if place >= len(row[WRITTEN]):
            return
        written = [int(output) for output in row[WRITTEN][place] if output >= 0]
        for pair, steps in self.grammar(window).read(written):
            score = exp(float(row[SCORES][place][steps.start : steps.stop].sum()))
            yield replace(pair, start=pair.start + start, end=pair.end + start), score

    def _located(self, encoded: EncodedPairs, pair: WordPair, score: float) -> AspectPair:
        words, label = encoded.words, self.labels[pair.label]
        if encoded.text is None:
            return AspectPair(
                " ".join(words.words[pair.start : pair.end]), None, None, label, score
            )
        start, end = words.starts[pair.start], words.ends[pair.end - 1]
        return AspectPair(encoded.text[start:end], start, end, label, score)


class PairsSearch:
    """A constrained beam search a window, all of them in step."""

    def __init__(self, task: Pairs, windows: Sequence[Window]) -> None:
        self._task = task
        self._searches = [_WindowSearch(task, window) for window in windows]

    def wanted(self) -> Sequence[Window]:
        return [window for search in self._searches for window in search.wanted()]

    def take(self, rows: Sequence[Row]) -> None:
        left = iter(rows)
        for search in self._searches:
            wanted = search.prefixes()
            if wanted:
                search.take([next(left) for _ in wanted])

    def rows(self) -> Sequence[Row]:
        """WRITTEN and SCORES of each window."""
        return [search.found() for search in self._searches]


class _WindowSearch:
    """The beam of one window, and the scores of every step it looked at."""

    def __init__(self, task: Pairs, window: Window) -> None:
        self._task, self._window = task, window
        self._beam = BeamSearch(
            task.beam,
            limit=min(MOST_STEPS, task.grammar(window).longest),
            end=END_OUTPUT,
            length_penalty=task.length_penalty,
            n_best=task.n_best,
        )
        self._steps: dict[tuple[int, ...], Floats] = {}

    def prefixes(self) -> list[tuple[int, ...]]:
        return self._beam.prefixes()

    def wanted(self) -> list[Window]:
        return [_after(self._window, written) for written in self.prefixes()]

    def take(self, rows: Sequence[Row]) -> None:
        prefixes = self.prefixes()
        scored = [
            self._task.step_scores(row, self._window, written)
            for row, written in zip(rows, prefixes, strict=True)
        ]
        self._steps.update(zip(prefixes, scored, strict=True))
        self._beam.take(np.stack(scored))

    def found(self) -> Row:
        best = self._beam.best()
        written = [_outputs(hypothesis) for hypothesis in best]
        scores = [self._scores(outputs) for outputs in written]
        return {WRITTEN: _padded(written, -1), SCORES: _padded(scores, 0)}

    def _scores(self, outputs: Sequence[int]) -> list[float]:
        """The log-probability of each output, given those before it."""
        before = (tuple(outputs[:i]) for i in range(len(outputs)))
        return [
            float(self._steps[prefix][output])
            for prefix, output in zip(before, outputs, strict=True)
        ]


def _outputs(hypothesis: Hypothesis) -> list[int]:
    """With the end, where it was chosen."""
    return [*hypothesis.tokens, *([END_OUTPUT] if hypothesis.finished else [])]


def _after(window: Window, written: Sequence[int]) -> Window:
    return replace(window, arrays={**window.arrays, PREFIX: to_prefix(written)})


def _padded(rows: Sequence[Sequence[float]], filler: float) -> NDArray[np.float32]:
    out = np.full((len(rows), max(map(len, rows))), filler, np.float32)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out
