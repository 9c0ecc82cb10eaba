"""Pretrained word vectors from GloVe's or word2vec's text form, read as a stream.

Words come back in the file's order, which for GloVe is by frequency. Nothing is cached: the
400,000 vectors of GloVe 6B take about as long to unpack as a first epoch on a small set.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.build import nearest
from training.datasets import sha256_of, verified
from training.errors import DataError
from training.readers.files import documents

_HEADER: Final = re.compile(rb"\d+ \d+\s*")

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
    return _read(_vector_file(name_or_file), wanted, first)


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
class _Gathered:
    """What was kept so far. size: numbers a vector, known from the first line on."""

    size: int = 0
    rows: dict[str, list[float]] = field(default_factory=dict)

    def keep(self, word: str, parts: list[bytes], place: str) -> None:
        try:
            row = [float(part) for part in parts]
        except ValueError:
            raise DataError(f"{place}: not all of a vector's parts are numbers") from None
        if not np.isfinite(row).all():
            raise DataError(f"{place}: a vector must be finite")
        self.rows.setdefault(word, row)  # the first of a repeated word, as gensim and spaCy do

    def vectors(self) -> Vectors:
        matrix = np.array(list(self.rows.values()), dtype=np.float32)
        return Vectors(tuple(self.rows), matrix.reshape(len(self.rows), self.size))


def _read(path: Path, wanted: Collection[str] | None, first: int) -> Vectors:
    """Lines are compared as bytes and parsed only where kept: most of a big file is not."""
    gathered = _Gathered()
    missing = None if wanted is None else {word.encode() for word in wanted}
    for rank, (number, line) in enumerate(_vector_lines(path)):
        gathered.size = gathered.size or line.rstrip().count(b" ")
        if missing is not None and not missing and rank >= first:
            break
        word = line.partition(b" ")[0]
        if missing is None or rank < first or word in missing:
            _keep(gathered, line, place=f"{path.name}:{number}")
            if missing is not None:
                missing.discard(word)
    if not gathered.size:
        raise DataError(f"{path.name} holds no vectors")
    return gathered.vectors()


def _keep(gathered: _Gathered, line: bytes, *, place: str) -> None:
    """Some sets (GloVe 840B) have words with blanks in them, so a line is split from its end."""
    word, *parts = line.rstrip().rsplit(b" ", gathered.size)
    if len(parts) != gathered.size:
        raise DataError(f"{place}: {len(parts)} numbers instead of {gathered.size}")
    gathered.keep(word.decode("utf-8", "replace"), parts, place)


def _vector_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines from 1, without word2vec's header line (two whole numbers)."""
    for document in documents(path):
        for number, line in enumerate(document.stream, start=1):
            if number > 1 or _HEADER.fullmatch(line) is None:
                yield number, line
