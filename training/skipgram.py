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
    from gensim.models import Word2Vec

    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent) as scratch:
        corpus = Path(scratch) / "corpus.txt"
        tokens = _write_corpus(sources, corpus)
        model = Word2Vec(
            corpus_file=str(corpus),
            vector_size=policy.dimensions,
            window=policy.window,
            min_count=policy.min_count,
            sg=1,
            negative=policy.negative,
            sample=policy.sample,
            epochs=policy.epochs,
            workers=policy.workers,
            seed=policy.seed,
        )
        written = Path(scratch) / "vectors.txt"
        model.wv.save_word2vec_format(str(written))
        shutil.move(written, output)
    return len(model.wv), tokens


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
