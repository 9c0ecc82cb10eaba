"""Skip-gram word vectors with negative sampling (Mikolov et al. 2013), by gensim.

The words are those our models read: the same splitter, the same normal form.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from nlp.text import split_words
from nlp.vocabulary import normal_form
from training.datasets import load_texts
from training.errors import DataError


@dataclass(frozen=True, slots=True)
class SkipGram:
    """window: words to each side. sample: thins frequent words. Several workers never repeat."""

    dimensions: int
    epochs: int = 4
    min_count: int = 5
    window: int = 5
    negative: int = 5
    sample: float = 1e-4
    workers: int = 1
    seed: int = 13


def train_vectors(sources: Sequence[str], output: Path, policy: SkipGram) -> tuple[int, int]:
    """Write the vectors in word2vec's text form; returns words and tokens. Raises DataError."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent) as scratch:
        corpus, written = Path(scratch) / "corpus.txt", Path(scratch) / "vectors.txt"
        tokens = _write_corpus(sources, corpus)
        words = _train(corpus, written, policy)
        shutil.move(written, output)
    return words, tokens


def _train(corpus: Path, output: Path, policy: SkipGram) -> int:
    """One text a line to vectors; returns how many. Raises DataError for too small a corpus."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=policy.dimensions,
        window=policy.window,
        min_count=policy.min_count,
        sg=1,
        negative=policy.negative,
        sample=policy.sample,
        workers=policy.workers,
        seed=policy.seed,
    )
    model.build_vocab(corpus_file=str(corpus))
    if not len(model.wv):
        raise DataError(f"no word occurs {policy.min_count} times or more; lower --min-count")
    model.train(
        corpus_file=str(corpus),
        total_examples=model.corpus_count,
        total_words=model.corpus_total_words,
        epochs=policy.epochs,
    )
    model.wv.save_word2vec_format(str(output))
    return len(model.wv)


def _write_corpus(sources: Sequence[str], path: Path) -> int:
    """One text a line, blanks between its words. Returns the number of words."""
    tokens = 0
    with path.open("w", encoding="utf-8") as file:
        for words in _texts(sources):
            file.write(" ".join(words) + "\n")
            tokens += len(words)
    return tokens


def _texts(sources: Sequence[str]) -> Iterator[list[str]]:
    for source in sources:
        for text in load_texts(source):
            yield [normal_form(word, lowercase=True) for word in split_words(text).words]
