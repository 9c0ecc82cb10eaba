"""Pretrained word vectors: GloVe's or word2vec's text form, or word2vec's binary, as a stream.

A file is binary where its name says so (.bin, .bin.gz, .bin.xz), as gensim and fastText have it.
Words come back in the file's order, which for GloVe is by frequency. Nothing is cached: the
400,000 vectors of GloVe 6B take about as long to unpack as a first epoch on a small set.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from training.build import nearest
from training.datasets import sha256_of, verified
from training.errors import DataError
from training.readers.files import Document, documents

_HEADER: Final = re.compile(rb"(\d+) (\d+)\s*")
_BINARY: Final = (".bin", ".bin.gz", ".bin.xz")
_CHUNK: Final = 1 << 20
_LONGEST_WORD: Final = 1 << 16  # bytes; what is longer is no vector file

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class VectorSet:
    """A named vector file. sha256 is of the file as stored, packing included."""

    file: str
    sha256: str
    url: str
    licence: str
    note: str


VECTORS: Final[dict[str, VectorSet]] = {
    "glove.6B.50d": VectorSet(
        file="glove_6B_50d/glove.6B.50d.txt.xz",
        sha256="138478d53dfe673957df2b9b7e21913ff98678bdc24995cece9e0b206df4af2d",
        url="https://nlp.stanford.edu/projects/glove/ (glove.6B.zip)",
        licence="PDDL 1.0",
        note="400,000 lower-case words, 50 numbers each; Wikipedia 2014 and Gigaword 5.",
    ),
}


@dataclass(frozen=True, slots=True)
class Vectors:
    """words: in the file's order. matrix: (len(words), size), float32."""

    words: tuple[str, ...]
    matrix: Floats


def load_vectors(
    name_or_file: str, *, wanted: Collection[str] | None = None, first: int = 0
) -> Vectors:
    """The vectors of the wanted words (None: of all), and those of the file's first N words.

    Reading stops as soon as nothing more can be wanted. Raises DataError for a set that is
    absent or altered, and for a malformed line among those kept, by its number.
    """
    path = _vector_file(name_or_file)
    wants = _Wants(None if wanted is None else {word.encode() for word in wanted}, first)
    gathered = _Gathered()
    read = _read_binary if path.name.endswith(_BINARY) else _read_text
    read(path, wants, gathered)
    if not gathered.size:
        raise DataError(f"{path.name} holds no vectors")
    return gathered.vectors()


def describe_vectors(name_or_file: str) -> dict[str, str]:
    """Where vectors came from, for the manifest and the card: name, sha256, licence, url, note."""
    path = _vector_file(name_or_file)
    if name_or_file in VECTORS:
        named = VECTORS[name_or_file]
        origin = {"licence": named.licence, "url": named.url, "note": named.note}
        return {"name": name_or_file, "sha256": named.sha256, **origin}
    return {"name": path.name, "sha256": sha256_of(path), "licence": "", "url": "", "note": ""}


def _vector_file(name_or_file: str) -> Path:
    if name_or_file in VECTORS:
        named = VECTORS[name_or_file]
        return verified(named.file, expected=named.sha256, url=named.url)
    if not Path(name_or_file).is_file():
        known = nearest(name_or_file, list(VECTORS))
        raise DataError(f"there is no vector set or file {name_or_file!r}; {known}")
    return Path(name_or_file)


@dataclass(slots=True)
class _Wants:
    """missing: words still looked for, as bytes; None where all are wanted. first: so many ranks.

    Words are compared as bytes and parsed only where kept: most of a big file is not.
    """

    missing: set[bytes] | None
    first: int

    def nothing_from(self, rank: int) -> bool:
        return self.missing is not None and not self.missing and rank >= self.first

    def takes(self, word: bytes, rank: int) -> bool:
        if self.missing is None:
            return True
        wanted = rank < self.first or word in self.missing
        self.missing.discard(word)
        return wanted


@dataclass(slots=True)
class _Gathered:
    """What was kept so far. size: numbers a vector, known from the first line on."""

    size: int = 0
    rows: dict[str, Floats] = field(default_factory=dict)

    def keep(self, word: bytes, row: Floats, place: str) -> None:
        if not np.isfinite(row).all():
            raise DataError(f"{place}: a vector must be finite")
        # the first of a repeated word, as gensim and spaCy do
        self.rows.setdefault(word.decode("utf-8", "replace"), row)

    def vectors(self) -> Vectors:
        matrix = np.array(list(self.rows.values()), dtype=np.float32)
        return Vectors(tuple(self.rows), matrix.reshape(len(self.rows), self.size))


def _read_text(path: Path, wants: _Wants, gathered: _Gathered) -> None:
    for rank, (number, line) in enumerate(_vector_lines(path)):
        gathered.size = gathered.size or line.rstrip().count(b" ")
        if wants.nothing_from(rank):
            return
        if wants.takes(line.partition(b" ")[0], rank):
            place = f"{path.name}:{number}"
            word, row = _parsed(line, gathered.size, place)
            gathered.keep(word, row, place)


def _parsed(line: bytes, size: int, place: str) -> tuple[bytes, Floats]:
    """Some sets (GloVe 840B) have words with blanks in them, so a line is split from its end."""
    word, *parts = line.rstrip().rsplit(b" ", size)
    if len(parts) != size:
        raise DataError(f"{place}: {len(parts)} numbers instead of {size}")
    try:
        return word, np.array([float(part) for part in parts], dtype=np.float32)
    except ValueError:
        raise DataError(f"{place}: not all of a vector's parts are numbers") from None


def _vector_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines from 1, without word2vec's header line (two whole numbers)."""
    for document in documents(path):
        for number, line in enumerate(document.stream, start=1):
            if number > 1 or _HEADER.fullmatch(line) is None:
                yield number, line


def _read_binary(path: Path, wants: _Wants, gathered: _Gathered) -> None:
    """A header line, "words numbers"; then each word, a blank, and its little-endian float32s."""
    for document in documents(path):
        header = _HEADER.fullmatch(document.stream.readline(_LONGEST_WORD))
        if header is None or not int(header[2]):
            raise DataError(f'{path.name}: the first line is not "words numbers"')
        gathered.size = int(header[2])
        for rank, (word, raw) in enumerate(_binary_rows(document, int(header[1]), gathered.size)):
            if wants.nothing_from(rank):
                return
            if wants.takes(word, rank):
                place = f"{path.name}: vector {rank + 1}"
                gathered.keep(word, np.frombuffer(raw, dtype="<f4"), place)


def _binary_rows(document: Document, count: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Words with their vectors' bytes. Some writers end a vector with a line feed, some do not."""
    ahead = _Ahead(document.stream)
    for number in range(1, count + 1):
        word = ahead.word()
        raw = ahead.take(4 * size)
        if word is None or len(raw) < 4 * size:
            raise DataError(f"{document.name}: vector {number} of {count} is cut short")
        yield word.lstrip(b"\n"), raw


class _Ahead:
    """A stream read in big chunks, since words end at a blank and reading byte by byte is slow."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._held = b""
        self._start = 0

    def word(self) -> bytes | None:
        """The bytes before the next blank, which is passed over; None where there is none."""
        while (blank := self._held.find(b" ", self._start)) < 0:
            if len(self._held) - self._start > _LONGEST_WORD or not self._more():
                return None
        return self.take(blank + 1 - self._start)[:-1]

    def take(self, size: int) -> bytes:
        """The next bytes; fewer at the stream's end."""
        while len(self._held) - self._start < size and self._more():
            pass
        taken = self._held[self._start : self._start + size]
        self._start += len(taken)
        return taken

    def _more(self) -> bool:
        chunk = self._stream.read(_CHUNK)
        self._held, self._start = self._held[self._start :] + chunk, 0
        return bool(chunk)
