"""Language models: every word is the label of the words before it."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

import numpy as np

from nlp.model import Model
from nlp.tasks.base import Example, Floats, Task
from nlp.tasks.base import Item as Asked
from nlp.tasks.language_model import FOLLOWING, NEXT, LanguageModel, ScoreAnswer
from nlp.text import Splitter
from nlp.vocabulary import END
from training.errors import ScoreError
from training.evaluation import Evaluation, Measure
from training.items import Item
from training.scores import RESAMPLES, Interval, percentile_interval
from training.tasks.base import Ids
from training.tasks.labelled import item_words

PERPLEXITY: Final = "perplexity"
UNKNOWN_SHARE: Final = "unknown_share"


class LanguageModelling:
    """Perplexity is e to the mean of -log p(word), over all words and the ends of the texts; an
    unknown word counts as the unknown word. Perplexities of different vocabularies cannot be
    compared, so the share of unknown words stands beside it.
    """

    def words(self, examples: Sequence[Example], split: Splitter) -> list[str]:
        """Each text's words, and END behind them."""
        return [w for example in examples for w in (*item_words(example, split), END)]

    def layers(self, examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:  # noqa: ARG002
        """None: the labels are the vocabulary's words."""
        return {}

    def items(self, examples: Sequence[Example], task: Task, *, strict: bool) -> list[Item]:  # noqa: ARG002
        """Windows that follow one another; every next word is gold, so none can be missing."""
        model = cast(LanguageModel, task)
        windows = [w for example in examples for w in model.training_windows(example.item)]
        return [Item(window, {NEXT: window.arrays[FOLLOWING]}) for window in windows]

    def evaluate(self, model: Model, examples: Sequence[Example], *, seed: int) -> Evaluation:
        """The interval is by a bootstrap over the texts, whose words hang together."""
        scored = _scored(model, examples)
        logs, counts = _sums(scored)
        value = _perplexity(logs.sum(), counts.sum())
        items = int(counts.sum())
        measures = {
            PERPLEXITY: Measure(value, items, _interval(logs, counts, seed=seed)),
            UNKNOWN_SHARE: Measure(_unknown(scored) / items, items),
        }
        return Evaluation({}, {}, (), measures)

    def dev_score(self, model: Model, examples: Sequence[Example]) -> dict[str, float]:
        logs, counts = _sums(_scored(model, examples))
        return {PERPLEXITY: _perplexity(logs.sum(), counts.sum())}

    def calibration(self, model: Model, dev: Sequence[Example]) -> Mapping[str, tuple[Floats, Ids]]:  # noqa: ARG002
        """None: the probabilities are what is learnt, and perplexity what they are judged by."""
        return {}

    def golden(self, texts: Sequence[str]) -> list[Asked]:
        return list(texts)


LANGUAGE_MODEL: Final = LanguageModelling()


def _scored(model: Model, examples: Sequence[Example]) -> list[ScoreAnswer]:
    if not examples:
        raise ScoreError("there is nothing to score: no example")
    return [cast(ScoreAnswer, answer) for answer in model.answer(e.item for e in examples)]


def _sums(scored: Sequence[ScoreAnswer]) -> tuple[Floats, Floats]:
    """Log-probability and number of predictions of each text: (texts,) each."""
    logs = np.array([answer.log_probability for answer in scored])
    return logs, np.array([answer.predictions for answer in scored], dtype=np.float64)


def _perplexity(log_probability: float, predictions: float) -> float:
    return float(np.exp(-log_probability / predictions))


def _unknown(scored: Sequence[ScoreAnswer]) -> int:
    return sum(token.unknown for answer in scored for token in answer.tokens)


def _interval(logs: Floats, counts: Floats, *, seed: int) -> Interval:
    """A percentile bootstrap over texts. logs, counts: (texts,)."""
    generator = np.random.default_rng(seed)
    found = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        drawn = generator.integers(len(logs), size=len(logs))
        found[i] = _perplexity(logs[drawn].sum(), counts[drawn].sum())
    return percentile_interval(found)
