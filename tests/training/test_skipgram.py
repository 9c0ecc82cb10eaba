"""Word vectors: the words our models read, the same file every time, and neighbours that fit."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import BAD, GOOD, THINGS, reviews, write_csv

from nlp.text import split_words
from training.errors import DataError
from training.skipgram import SkipGram, train_vectors
from training.vectors import load_vectors

POLICY = SkipGram(8, epochs=2, min_count=2)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    lines = [f"The {a} {thing} was {a} and {b}." for a, b in _pairs(GOOD) for thing in THINGS]
    lines += [f"I hated it: a {a} {thing}, {b}!" for a, b in _pairs(BAD) for thing in THINGS]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def _pairs(words: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(itertools.permutations(words, 2))


def test_words_are_those_a_model_reads(tmp_path: Path) -> None:
    """Split and lowered by the same code, rarer ones than min_count left out."""
    (tmp_path / "t.txt").write_text("Don’t STOP, don't stop!\nA rare word.\n", encoding="utf-8")
    words, tokens = train_vectors([str(tmp_path / "t.txt")], tmp_path / "v.txt", POLICY)
    vectors = load_vectors(str(tmp_path / "v.txt"))
    assert set(vectors.words) == {"do", "n't", "stop"}
    assert (words, tokens) == (3, len(split_words("Don’t STOP, don't stop! A rare word.").words))
    assert vectors.matrix.shape == (3, 8)
    assert np.isfinite(vectors.matrix).all()


def test_one_worker_gives_the_same_file_every_time(texts: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 13), ("b", 13), ("c", 14)):
        policy = SkipGram(8, epochs=1, min_count=2, seed=seed)
        train_vectors([str(texts)], tmp_path / name, policy)
    first, second, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == second != other


def test_words_of_like_use_lie_close(texts: Path, tmp_path: Path) -> None:
    """Adjectives of praise are nearer to each other than to those of blame."""
    policy = SkipGram(16, epochs=10, min_count=2, sample=0.0)
    train_vectors([str(texts)], tmp_path / "v.txt", policy)
    vectors = load_vectors(str(tmp_path / "v.txt"))
    places = {word: i for i, word in enumerate(vectors.words)}
    unit = vectors.matrix / np.linalg.norm(vectors.matrix, axis=1, keepdims=True)
    good, bad = (unit[[places[word] for word in words]] for words in (GOOD, BAD))
    alike = [np.mean(one @ one.T) for one in (good, bad)]
    assert min(alike) > np.mean(good @ bad.T) + 0.1


def test_several_sources_with_and_without_labels(texts: Path, tmp_path: Path) -> None:
    write_csv(tmp_path / "labelled.csv", reviews(5, 1))
    sources = [str(texts), str(tmp_path / "labelled.csv")]
    _, together = train_vectors(sources, tmp_path / "v.txt", POLICY)
    counts = [train_vectors([source], tmp_path / "v.txt", POLICY)[1] for source in sources]
    assert together == sum(counts)
    assert [path.name for path in tmp_path.glob("*.partial")] == []
    assert {path.name for path in tmp_path.iterdir()} == {"texts.txt", "labelled.csv", "v.txt"}


def test_a_corpus_without_frequent_words_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("Each word once only.\n")
    with pytest.raises(DataError, match="no word occurs 2 times or more"):
        train_vectors([str(tmp_path / "t.txt")], tmp_path / "v.txt", POLICY)
    assert not (tmp_path / "v.txt").exists()
