"""Perplexity against known bigrams, what the loop learns from, and Penn Treebank's numbers."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from markov import bigram_model
from torch import Tensor

from nlp.decoding import log_softmax
from nlp.networks.base import Network
from nlp.tasks.base import Example
from nlp.tasks.language_model import LanguageModel
from nlp.text import split_words
from nlp.vocabulary import END
from training.datasets import load
from training.errors import ScoreError
from training.items import GOLD, IGNORED, collator
from training.learner import Learner
from training.recipe import Source
from training.tasks.language_model import LANGUAGE_MODEL
from training.tasks.table import trainable

WORDS = ("the", "soup", "was", "cold", "warm", ".")
TEXTS = (
    Example("the soup was cold.", ""),
    Example("the soup was warm.", ""),
    Example(("cold", "zebra", ".", END, "warm", END), ""),
)
PREDICTIONS = 6 + 6 + 6


def test_the_table_has_it() -> None:
    assert trainable("language-model") is LANGUAGE_MODEL


def test_every_text_brings_its_end() -> None:
    words = LANGUAGE_MODEL.words(TEXTS, split_words)
    assert words.count(END) == 5
    assert words[:6] == ["the", "soup", "was", "cold", ".", END]
    assert LANGUAGE_MODEL.layers(TEXTS) == {}


def test_perplexity_is_over_all_words_and_ends() -> None:
    model, runtime = bigram_model(WORDS, window=4)
    assert isinstance(model.task, LanguageModel)
    table, total = log_softmax(runtime.logits), 0.0
    for example in TEXTS:
        item = example.item
        words = split_words(item).words if isinstance(item, str) else item[:-1]  # type: ignore[index]
        ids = model.task.vocabulary.ids([END, *words, END])
        total += sum(table[a, b] for a, b in pairwise(ids))
    found = LANGUAGE_MODEL.evaluate(model, TEXTS, seed=1)
    perplexity, unknown = found.measures["perplexity"], found.measures["unknown_share"]
    assert perplexity.value == pytest.approx(np.exp(-total / PREDICTIONS), rel=1e-5)
    assert (perplexity.items, unknown.value) == (PREDICTIONS, 1 / PREDICTIONS)
    assert LANGUAGE_MODEL.dev_score(model, TEXTS) == {"perplexity": perplexity.value}
    assert not found.layers
    assert not found.reliability


def test_the_interval_is_of_resampled_texts() -> None:
    model, _ = bigram_model(WORDS)
    many = [*TEXTS] * 20
    wide, narrow, again = (
        LANGUAGE_MODEL.evaluate(model, examples, seed=3).measures["perplexity"]
        for examples in (TEXTS, many, many)
    )
    assert wide.interval is not None
    assert narrow.interval is not None
    assert narrow.interval.low < narrow.value < narrow.interval.high
    assert wide.interval.high - wide.interval.low > narrow.interval.high - narrow.interval.low
    assert again.interval == narrow.interval
    alone = LANGUAGE_MODEL.evaluate(model, TEXTS[:1] * 5, seed=3).measures["perplexity"]
    assert alone.interval is not None
    assert alone.interval.low == pytest.approx(alone.interval.high)  # equal texts vary in nothing


def test_nothing_to_score_is_an_error() -> None:
    model, _ = bigram_model(WORDS)
    with pytest.raises(ScoreError, match="nothing to score"):
        LANGUAGE_MODEL.evaluate(model, [], seed=0)


def test_every_next_word_is_gold_and_the_loss_is_its_mean() -> None:
    """The loss of a network that is the bigrams' table is the log of the perplexity."""
    model, runtime = bigram_model(WORDS, window=4)
    items = LANGUAGE_MODEL.items(TEXTS, model.task, strict=True)
    assert sum(len(item.gold["next"]) for item in items) == PREDICTIONS
    batch = collator(model.task)(items)
    assert (batch[GOLD + "next"] == IGNORED).sum() == (batch["following"] == 0).sum() > 0

    class Table(Network):
        inputs = ("words", "asked", "following")

        def forward(self, **arrays: Tensor) -> dict[str, Tensor]:
            found = runtime.run({name: array.numpy() for name, array in arrays.items()})
            return {name: torch.from_numpy(array) for name, array in found.items()}

    loss = float(Learner(Table())(**batch)["loss"])
    expected = LANGUAGE_MODEL.dev_score(model, TEXTS)["perplexity"]
    assert np.exp(loss) == pytest.approx(expected, rel=1e-5)


def test_golden_items_are_the_texts() -> None:
    assert LANGUAGE_MODEL.golden(["One.", "Two."]) == ["One.", "Two."]


@pytest.mark.parametrize(("split", "predictions"), [("test", 82_430), ("dev", 73_760)])
def test_penn_treebanks_predictions_are_the_published_number(
    split: str, predictions: int, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VALENCE_DATA", str(data))
    examples = load(Source(dataset=f"ptb:{split}"), task="language-model").examples
    task = bigram_model(["the", "of"], window=70)[0].task
    assert isinstance(task, LanguageModel)
    windows = [w for example in examples for w in task.training_windows(example.item)]
    assert sum(len(window.arrays["following"]) for window in windows) == predictions
    read = [window for example in examples for window in task.encode(example.item).windows]
    assert sum(len(window.arrays["following"]) for window in read) == predictions
