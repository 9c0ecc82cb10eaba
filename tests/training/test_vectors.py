"""Word vectors: forms of file, what is kept, and what is refused."""

import hashlib
import lzma
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import training.vectors
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


def binary(rows: dict[str, list[float]], *, size: int, feed: bytes = b"") -> bytes:
    """word2vec's own writer puts a line feed behind each vector, others none."""
    written = f"{len(rows)} {size}\n".encode()
    for word, row in rows.items():
        written += word.encode() + b" " + np.array(row, dtype="<f4").tobytes() + feed
    return written


@pytest.mark.parametrize("feed", [b"", b"\n"])
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_the_binary_form_whatever_the_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feed: bytes, chunk: int
) -> None:
    monkeypatch.setattr(training.vectors, "_CHUNK", chunk)
    rows = {"soup": [0.5, -1.0], "café": [1e-3, 2.0], "x" * 40: [10.0, 8.5]}  # 10 is a line feed
    path = tmp_path / "small.bin"
    path.write_bytes(binary(rows, size=2, feed=feed))
    vectors = load_vectors(str(path))
    assert vectors.words == tuple(rows)
    np.testing.assert_array_equal(vectors.matrix, np.array([*rows.values()], dtype=np.float32))
    assert load_vectors(str(path), wanted=["café", "tea"], first=1).words == ("soup", "café")


def test_the_binary_form_is_what_gensim_writes(tmp_path: Path) -> None:
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(3)
    written = np.random.default_rng(5).normal(size=(4, 3)).astype(np.float32)
    vectors.add_vectors(["the", "warm", "soup", "naïve"], written)
    vectors.save_word2vec_format(str(tmp_path / "small.bin"), binary=True)
    read = load_vectors(str(tmp_path / "small.bin"))
    assert read.words == ("the", "warm", "soup", "naïve")
    np.testing.assert_array_equal(read.matrix, written)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters=" \n", codec="utf-8"), min_size=1, max_size=9),
        st.lists(
            st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=2
        ),
        min_size=1,
        max_size=6,
    )
)
def test_binary_vectors_come_back_as_written(rows: dict[str, list[float]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.bin.xz"
        path.write_bytes(lzma.compress(binary(rows, size=2, feed=b"\n"), preset=0))
        vectors = load_vectors(str(path))
    assert vectors.words == tuple(rows)
    np.testing.assert_array_equal(vectors.matrix, np.array([*rows.values()], dtype=np.float32))


def test_a_binary_file_is_read_no_further_than_wanted(tmp_path: Path) -> None:
    path = tmp_path / "small.bin"
    path.write_bytes(binary({"soup": [1.0], "tea": [2.0], "bread": [3.0]}, size=1)[:-3])
    assert load_vectors(str(path), wanted=["soup"]).words == ("soup",)
    with pytest.raises(DataError, match=r"small\.bin: vector 3 of 3 is cut short"):
        load_vectors(str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"soup 0.5 1.5\n", r'small\.bin: the first line is not "words numbers"'),
        (b"1 0\nsoup ", r'small\.bin: the first line is not "words numbers"'),
        (b"", r'small\.bin: the first line is not "words numbers"'),
        (b"1 1\n" + b"x" * 200_000, r"small\.bin: vector 1 of 1 is cut short"),
        (binary({"soup": [float("nan")]}, size=1), r"small\.bin: vector 1: a vector must be fin"),
    ],
)
def test_a_malformed_binary_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "small.bin"
    path.write_bytes(content)
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
