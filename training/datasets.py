"""Sources to Examples: a named data set's split, verified by digest, or a file of one's own."""

import fnmatch
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from nlp.tasks.base import Example
from training.audit import deduplicate, drop_leaks
from training.build import nearest
from training.catalogue import DATASETS
from training.digests import SHA256
from training.errors import ChecksumError, DataError
from training.parts import Dataset, Part
from training.readers import Reader
from training.readers.conllu import Conllu, treebank_version
from training.readers.files import BadLines, documents
from training.readers.labelled import (
    UNLABELLED,
    Columns,
    JsonLines,
    LabelFirst,
    Meaning,
    OneLabel,
)
from training.recipe import Source

VARIABLE: Final = "VALENCE_DATA"
_PACKED: Final = (".xz", ".gz")
_FORMATS: Final = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".conllu": "conllu"}


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What a source was, for the manifest and the card.

    files: digest by file name, without folders.
    examples: how many were used; malformed: how many lines were skipped.
    """

    name: str
    url: str
    licence: str
    version: str
    note: str
    files: Mapping[str, str]
    examples: int
    malformed: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A source's examples. `tokenised`: its texts have blanks between their tokens."""

    examples: tuple[Example, ...]
    record: SourceRecord
    tokenised: bool


def load(
    source: Source, *, task: str, seed: int = 0, on_bad_line: Literal["error", "skip"] = "error"
) -> Loaded:
    """Reads a source. Raises DataError where it is absent, altered, malformed or of another task.

    source.limit takes a sample that depends on the seed and the source's name alone. Malformed
    lines of a named data set are known, its files being verified: they are only counted.
    """
    bad = BadLines()
    read = _load_named if source.dataset else _load_file
    loaded = read(source, task, bad=bad)
    bad.check("skip" if source.dataset else on_bad_line)
    examples = sample(loaded.examples, source.limit, seed=seed, name=loaded.record.name)
    if not examples:
        raise DataError(f"{loaded.record.name} holds no examples")
    record = replace(loaded.record, examples=len(examples), malformed=bad.total)
    return replace(loaded, examples=examples * source.repeat, record=record)


def load_texts(source: Source | str) -> Iterator[str]:
    """The texts alone, for word vectors; unlabelled splits and plain .txt files (one text a line)
    are allowed too. Tagged sentences come as their words with blanks between them.

    Raises DataError where the source is absent or altered; malformed lines are passed over.
    """
    source = Source.from_text(source) if isinstance(source, str) else source
    bad = BadLines()
    for example in _raw_examples(source, bad):
        yield example.item if isinstance(example.item, str) else " ".join(example.item)


def _raw_examples(source: Source, bad: BadLines) -> Iterable[Example]:
    if source.dataset:
        name, split = source.dataset.split(":")
        dataset = find_dataset(name)
        return _split_examples(dataset, _known_split(dataset, split), bad)
    path = _existing_file(source)
    reader = OneLabel(UNLABELLED) if _bare(path).suffix == ".txt" else _any_reader(source, path)
    return (e for document in documents(path) for e in reader(document, bad))


def _any_reader(source: Source, path: Path) -> Reader:
    """JSON lines need no label here; the other forms have one."""
    form = _format(source, path)
    return _reader(replace(source, label=""), form) if form == "jsonl" else _reader(source, form)


def data_folder() -> Path:
    """The folder that VALENCE_DATA names. Raises DataError where it names none."""
    value = os.environ.get(VARIABLE, "")
    if not value:
        raise DataError(f"{VARIABLE} is not set; it must name the folder that holds the data sets")
    if not Path(value).is_dir():
        raise DataError(f"{VARIABLE} names a folder that does not exist: {value}")
    return Path(value)


def verified(file: str, *, expected: str, url: str) -> Path:
    """A file of the data folder, proven to be the named one. Raises DataError, ChecksumError."""
    try:
        path = data_folder() / file
    except DataError as error:
        raise DataError(f"{error}; {file} comes from {url}") from None
    if not path.is_file():
        raise DataError(f"the data folder has no {file}; it comes from {url}")
    found = sha256_of(path)
    if found != expected:
        raise ChecksumError(
            f"{file} is not the file that the catalogue names: sha256 {found[:12]}… instead of "
            f"{expected[:12]}…; it comes from {url}"
        )
    return path


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sample(
    examples: Sequence[Example], limit: int | None, *, seed: int, name: str
) -> tuple[Example, ...]:
    """At most `limit` examples, drawn by the seed and the name, in their first order."""
    if limit is None or len(examples) <= limit:
        return tuple(examples)
    drawn = np.random.default_rng([seed, zlib.crc32(name.encode())])
    places = np.sort(drawn.choice(len(examples), size=limit, replace=False))
    return tuple(examples[place] for place in places)


def find_dataset(name: str) -> Dataset:
    """Raises DataError that names the nearest known data set."""
    if name not in DATASETS:
        raise DataError(f"there is no data set {name!r}; {nearest(name, list(DATASETS))}")
    return DATASETS[name]


def _load_named(source: Source, task: str, *, bad: BadLines) -> Loaded:
    name, split = source.dataset.split(":")
    dataset = find_dataset(name)
    if dataset.task != task:
        raise DataError(f"the data set {name} is for {dataset.task}, not for {task}")
    if _known_split(dataset, split) in dataset.unlabelled:
        raise DataError(f"{source.dataset} has no labels; it serves to train word vectors")
    examples = _relabelled(_split_examples(dataset, split, bad), source.labels)
    files = {Path(part.file).name: SHA256[part.file] for part in dataset.splits[split]}
    record = SourceRecord(
        name=source.dataset,
        url=dataset.url,
        licence=dataset.licence,
        version=dataset.version,
        note=dataset.note,
        files=files,
        examples=0,
        malformed=0,
    )
    return Loaded(tuple(examples), record, dataset.tokenised)


def _known_split(dataset: Dataset, split: str) -> str:
    if split not in dataset.splits:
        known = nearest(split, list(dataset.splits))
        raise DataError(f"{dataset.name} has no split {split!r}; {known}")
    return split


def _split_examples(dataset: Dataset, split: str, bad: BadLines) -> list[Example]:
    examples = [e for part in dataset.splits[split] for e in _part_examples(part, dataset, bad)]
    if dataset.distinct:
        examples = deduplicate(examples)
    if split in dataset.without:
        examples = drop_leaks(
            examples, [_split_examples(dataset, dataset.without[split], BadLines())]
        )
    return examples


def _part_examples(part: Part, dataset: Dataset, bad: BadLines) -> Iterator[Example]:
    path = verified(part.file, expected=SHA256[part.file], url=dataset.url)
    for document in documents(path):
        reader = part.reader or _member_reader(part, document.name)
        if reader is not None:
            yield from reader(document, bad)


def _member_reader(part: Part, name: str) -> Reader | None:
    matching = (reader for glob, reader in part.members.items() if fnmatch.fnmatch(name, glob))
    return next(matching, None)


def _relabelled(examples: Iterable[Example], labels: Mapping[str, str]) -> Iterator[Example]:
    """A named data set's labels may be renamed, or left out with ""; the others stay."""
    for example in examples:
        gold = labels.get(example.gold, example.gold) if isinstance(example.gold, str) else "_"
        if gold == example.gold or not isinstance(example.gold, str):
            yield example
        elif gold:
            yield replace(example, gold=gold)


def _load_file(source: Source, task: str, *, bad: BadLines) -> Loaded:
    path = _existing_file(source)
    form = _format(source, path)
    if (form == "conllu") != (task == "tagging"):
        raise DataError(f"{path.name}: the format {form} does not fit the task {task}")
    reader = _reader(source, form)
    examples = [e for document in documents(path) for e in reader(document, bad)]
    record = SourceRecord(
        name=path.name,
        url="",
        licence="not stated",
        version=treebank_version(path) if form == "conllu" else "unknown",
        note="a file of one's own",
        files={path.name: sha256_of(path)},
        examples=0,
        malformed=0,
    )
    return Loaded(tuple(examples), record, source.tokenised)


def _format(source: Source, path: Path) -> str:
    if source.format != "auto":
        return source.format
    suffix = _bare(path).suffix
    if suffix not in _FORMATS:
        raise DataError(
            f"{path.name}: its name does not tell the format; set format to labelled, csv, tsv, "
            "jsonl or conllu"
        )
    return _FORMATS[suffix]


def _bare(path: Path) -> Path:
    return path.with_suffix("") if path.suffix in _PACKED else path


def _existing_file(source: Source) -> Path:
    shipped = Path(__file__).with_name("recipes") / source.file
    path = next((path for path in (Path(source.file), shipped) if path.is_file()), None)
    if path is None:
        raise DataError(f"there is no data file {source.file!r}")
    return path


def _reader(source: Source, form: str) -> Reader:
    meaning = Meaning(source.labels)
    if form == "conllu":
        return Conllu(source.encoding)
    if form == "labelled":
        return LabelFirst(meaning, source.encoding)
    if form == "jsonl":
        return JsonLines(meaning, source.text, source.label, source.encoding)
    return Columns(
        meaning,
        source.text,
        source.label,
        delimiter="\t" if form == "tsv" else source.delimiter,
        header=source.header,
        quoted=form == "csv",
        encoding=source.encoding,
    )
