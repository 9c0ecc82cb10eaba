"""Word vectors: forms of file, what is kept, and what is refused."""

import hashlib
import lzma
from pathlib import Path

import numpy as np
import pytest

from training.errors import DataError
from training.vectors import VECTORS, describe_vectors, load_vectors

GLOVE = "the 0.1 0.2 -0.3\nof 1 2 3\nto 4 5 6e-1\ncat 7 8 9\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.txt"
    path.write_text(GLOVE, encoding="utf-8")
    return path


def test_all_words_come_in_order_as_float32(file: Path) -> None:
    vectors = load_vectors(str(file))
    assert vectors.words == ("the", "of", "to", "cat")
    assert vectors.matrix.dtype == np.float32
    expected = [[0.1, 0.2, -0.3], [1, 2, 3], [4, 5, 0.6], [7, 8, 9]]
    np.testing.assert_array_equal(vectors.matrix, np.array(expected, dtype=np.float32))


@pytest.mark.parametrize(
    ("wanted", "first", "words"),
    [
        (["cat", "dog"], 0, ("cat",)),
        (["cat"], 2, ("the", "of", "cat")),
        ([], 3, ("the", "of", "to")),
        (["the"], 1, ("the",)),
        ([], 0, ()),
        (None, 1, ("the", "of", "to", "cat")),
    ],
)
def test_wanted_words_and_the_first_ones(
    file: Path, wanted: list[str] | None, first: int, words: tuple[str, ...]
) -> None:
    vectors = load_vectors(str(file), wanted=wanted, first=first)
    assert vectors.words == words
    assert vectors.matrix.shape == (len(words), 3)


def test_packed_files_and_word2vecs_header_line(tmp_path: Path) -> None:
    path = tmp_path / "small.txt.xz"
    path.write_bytes(lzma.compress(("4 3\n" + GLOVE.replace("\n", " \n")).encode()))
    assert load_vectors(str(path)).words == ("the", "of", "to", "cat")


def test_words_with_blanks_and_beyond_ascii(tmp_path: Path) -> None:
    path = tmp_path / "small.txt"
    path.write_text("café 1 2\n. . . 3 4\nat name@x.org 5 6\n", encoding="utf-8")
    vectors = load_vectors(str(path))
    assert vectors.words == ("café", ". . .", "at name@x.org")
    assert load_vectors(str(path), wanted=["café"]).words == ("café",)


def test_the_first_of_a_repeated_word_counts(tmp_path: Path) -> None:
    path = tmp_path / "small.txt"
    path.write_text("a 1\nb 2\na 3\n", encoding="utf-8")
    vectors = load_vectors(str(path))
    assert vectors.words == ("a", "b")
    assert vectors.matrix[:, 0].tolist() == [1, 2]


def test_reading_stops_when_nothing_more_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "small.txt"
    path.write_text(GLOVE + "broken line\n", encoding="utf-8")
    assert len(load_vectors(str(path), wanted=["cat"], first=2).words) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a 1 2\nb 1\n", r"small\.txt:2: 1 numbers instead of 2"),
        ("a 1 2\nb 1 x\n", r"small\.txt:2: not all of a vector's parts are numbers"),
        ("a 1 2\nb 1 nan\n", r"small\.txt:2: a vector must be finite"),
        ("2 3\na 1 2 3\nb 1 2\n", r"small\.txt:3: 2 numbers instead of 3"),
        ("", r"small\.txt holds no vectors"),
        ("word\n", r"small\.txt holds no vectors"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "small.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_vectors(str(path))


def test_an_unknown_set_is_refused_and_the_nearest_named() -> None:
    with pytest.raises(DataError, match=r"did you mean 'glove\.6B\.50d'"):
        load_vectors("glove.6B.50")


def test_glove_of_the_real_file(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALENCE_DATA", str(data))
    vectors = load_vectors("glove.6B.50d", wanted=["film"], first=1000)
    assert vectors.words[:3] == ("the", ",", ".")
    assert vectors.matrix.shape[1] == 50
    np.testing.assert_allclose(vectors.matrix[0, :3], [0.418, 0.24968, -0.41242], rtol=1e-6)
    assert "film" in vectors.words
    assert VECTORS["glove.6B.50d"].licence == "PDDL 1.0"


def test_vectors_of_a_file_are_described_by_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_text("soup 0.5 1.5\n")
    described = describe_vectors(str(path))
    assert described["name"] == "own.txt"
    assert described["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
