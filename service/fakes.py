"""Models without a network, for tests of everything around one.

Each is a real task whose network is a script: what it says depends on the words alone, so that a
test can tell what the answer must be.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from nlp.features import Features
from nlp.generation import NEXT, Generation, GenerationPolicy
from nlp.pair_grammar import PairGrammar, WordPair, symbols_of
from nlp.spans import TAGS
from nlp.tasks import aspects, extraction, language_model, pairs
from nlp.tasks.base import Answer, Encoded, Item, OnePass, Row, Search, StepwiseTask, Task, Window
from nlp.tasks.language_model import LanguageModel
from nlp.tasks.sentiment import Sentiment
from nlp.tasks.tagging import Tagging
from nlp.text import Splitter, split_words
from nlp.vocabulary import END, SPECIALS, Vocabulary

LABELS: Final = ("negative", "positive")
UPOS: Final = ("NOUN", "PROPN")
SYMBOLS: Final = symbols_of(LABELS)
STORY: Final = ("once", "a", "waiter", "smiled", ".")
"""All that the scripted writer can tell."""

DEAR: Final = "price"
"""The aspect of which nobody thinks well."""

SURE: Final = -0.1
"""Natural log of the probability that the scripted writer gives to the story's next word."""

_SURE: Final = 2.0
_CERTAIN: Final = 20.0

Script = Callable[[Window], Row]
"""What a network says of one window."""


@dataclass(slots=True)
class ScriptedModel:
    """The sentiment of a window: positive where its first word is longer than three letters.

    seconds: how long a batch takes. on_batch: called with each batch's windows before it runs; it
    may block or raise. batches: what has run, as words by row, for the tests to look at.
    facts: more keys of its manifest.
    """

    seconds: float = 0.0
    on_batch: Callable[[Sequence[Window]], None] = lambda _: None
    batches: list[list[tuple[str, ...]]] = field(default_factory=list)
    name: str = "sentiment"
    task: Task = field(default_factory=lambda: Sentiment(LABELS, split_words, *words()))
    script: Script = lambda window: {"sentiment": margin(long(window.words[0]))}
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def manifest(self) -> Mapping[str, Any]:
        layers = {k: list(v) for k, v in self.task.layers.items()}
        return {"task": self.name, "layers": layers, **self.facts}

    @property
    def stepwise(self) -> bool:
        return hasattr(self.task, "search")

    def encode(self, item: Item) -> Encoded:
        return self.task.encode(item)

    def search(self, encoded: Encoded) -> Search:
        if self.stepwise:
            return cast(StepwiseTask, self.task).search(encoded)
        return OnePass(encoded.windows)

    def generate(self, prompt: str, policy: GenerationPolicy) -> Generation:
        return cast(LanguageModel, self.task).generate(prompt, policy)

    def forward(self, windows: Sequence[Window]) -> list[Row]:
        self.batches.append([window.words for window in windows])
        self.on_batch(windows)
        time.sleep(self.seconds)
        return [self.script(window) for window in windows]

    def decode(self, encoded: Encoded, rows: Sequence[Row]) -> Answer:
        return self.task.decode(encoded, rows)


def scripted_tagger(split: Splitter = split_words, **options: Any) -> ScriptedModel:  # noqa: ANN401
    """Words with a capital are proper nouns, all others nouns."""
    task = Tagging({"upos": UPOS}, split, *words())
    return ScriptedModel(name="tagging", task=task, script=_tags, **options)


def scripted_judge(split: Splitter = split_words, **options: Any) -> ScriptedModel:  # noqa: ANN401
    """Every aspect but the price is positive; the words of the text get equal attention."""
    task = aspects.Aspects(LABELS, split, *words("words", "aspect"))
    return ScriptedModel(name="aspects", task=task, script=_judgement, **options)


def scripted_finder(split: Splitter = split_words, **options: Any) -> ScriptedModel:  # noqa: ANN401
    """Every run of words with a capital is an aspect."""
    tagging = Tagging({extraction.LAYER: TAGS}, split, *words())
    task = extraction.Extraction(tagging)
    return ScriptedModel(name="extraction", task=task, script=_terms, **options)


def scripted_pairs(split: Splitter = split_words, **options: Any) -> ScriptedModel:  # noqa: ANN401
    """Each word with a capital is an aspect of its own, written one after the other; positive
    where it is longer than three letters.
    """
    task = pairs.Pairs(SYMBOLS, split, *words("words", pairs.PREFIX), beam=2)
    return ScriptedModel(name="pairs", task=task, script=_writing, **options)


def scripted_writer(split: Splitter = split_words, **options: Any) -> ScriptedModel:  # noqa: ANN401
    """Knows one sentence, STORY, and goes on with it from any of its words; it is nearly sure."""
    vocabulary = Vocabulary([*SPECIALS, END, *STORY], trained=len(STORY) + 3, lowercase=True)
    features = Features(("words", language_model.ASKED, language_model.FOLLOWING))
    task = LanguageModel(split, vocabulary, features, window_tokens=16)
    return ScriptedModel(name="language-model", task=task, script=_telling, **options)


def words(*features: str) -> tuple[Vocabulary, Features]:
    """What a task reads of words."""
    vocabulary = Vocabulary([*SPECIALS, DEAR], trained=3, lowercase=True)
    return vocabulary, Features(features or ("words",))


def margin(positive: bool) -> NDArray[np.float32]:
    """Logits of LABELS."""
    return np.array([-_SURE, _SURE] if positive else [_SURE, -_SURE], np.float32)


def long(word: str) -> bool:
    return len(word) > 3


def capital(word: str) -> bool:
    return word[:1].isupper()


def _tags(window: Window) -> Row:
    return {"upos": np.stack([margin(capital(word)) for word in window.words])}


def _terms(window: Window) -> Row:
    marked = [capital(word) for word in window.words]
    follows = [False, *marked[:-1]]
    chosen = ["BI"[was] if now else "O" for now, was in zip(marked, follows, strict=True)]
    hot = [[_CERTAIN * (tag == one) for tag in TAGS] for one in chosen]
    return {extraction.LAYER: np.array(hot, np.float32)}


def _judgement(window: Window) -> Row:
    count = len(window.words)
    return {
        aspects.LAYER: margin(window.arrays["aspect"][0] != len(SPECIALS)),
        aspects.ATTENTION: np.full(count, 1 / count, np.float32),
    }


def _writing(window: Window) -> Row:
    """Logits of every output after each of the prefix: (steps, outputs)."""
    found = [
        WordPair(i, i + 1, int(long(word))) for i, word in enumerate(window.words) if capital(word)
    ]
    grammar, steps = PairGrammar(len(SYMBOLS), len(window.words)), len(window.arrays["prefix"])
    logits = np.zeros((steps, grammar.size), np.float32)
    for step, output in enumerate(grammar.write(found)[:steps]):
        logits[step, output] = _CERTAIN
    return {pairs.LAYER: logits}


def _telling(window: Window) -> Row:
    """Each of END, the story's words and END again is followed by the next, from any other word the
    story begins.
    """
    ids, told = window.ids, window.arrays[language_model.FOLLOWING]
    first = len(SPECIALS)
    size = first + 1 + len(STORY)
    after = np.where(ids >= first, first + (ids - first + 1) % (size - first), first + 1)
    logits = np.full(size, np.log((1 - np.exp(SURE)) / (size - 1)), np.float32)
    right = after[window.arrays[language_model.ASKED] - 1] == told
    scores = np.where(right, SURE, logits[0]).astype(np.float32)
    logits[after[-1]] = SURE
    return {NEXT: logits, NEXT + language_model.LOG_PROBABILITY: scores}
