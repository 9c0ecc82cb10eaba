"""Sources to Examples: a named data set's split, verified by digest, or a file of one's own."""

import fnmatch
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from nlp.tasks.base import AspectItem, Example
from nlp.vocabulary import END
from training.aspects import ASPECT_TASKS, AspectCounts, Choice, choose
from training.audit import deduplicate, drop_leaks
from training.build import nearest
from training.catalogue import DATASETS
from training.digests import SHA256
from training.errors import ChecksumError, DataError
from training.formats import existing_file, format_of, reader_of, text_reader
from training.parts import Dataset, Part
from training.readers import Reader
from training.readers.aspects import aspect_example
from training.readers.conllu import treebank_version
from training.readers.files import BadLines, documents
from training.recipe import Source

VARIABLE: Final = "VALENCE_DATA"
_TEXTS: Final = "language-model"  # the task that needs no labels
_SERVES: Final[Mapping[str, tuple[str, ...]]] = {
    "sentiment": ("sentiment", _TEXTS),
    "tagging": ("tagging", _TEXTS),
    "aspects": (*ASPECT_TASKS, _TEXTS),
    "language-model": (_TEXTS,),
}
"""The recipe tasks that a data set of each task serves."""

_KINDS: Final = {"terms": "terms", "categories": "categories", "both": "aspects"}


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What a source was, for the manifest and the card.

    files: digest by file name, without folders.
    examples: how many were used; malformed: how many lines were skipped.
    aspects: of a data set of aspects, what became of them: `AspectCounts` of `training.aspects`.
    """

    name: str
    url: str
    licence: str
    version: str
    note: str
    files: Mapping[str, str]
    examples: int = 0
    malformed: int = 0
    aspects: Mapping[str, int] = field(default_factory=dict)

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
    lines of a named data set are known, its files being verified: they are only counted. A
    language model reads the texts of any source, with an empty label.
    """
    bad = BadLines()
    loaded = _load_named(source, task, bad) if source.dataset else _load_file(source, task, bad)
    bad.check("skip" if source.dataset else on_bad_line)
    loaded = _for_task(loaded, source, task)
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
    for example in load_unlabelled(source):
        item = example.item
        text = item.text if isinstance(item, AspectItem) else item
        yield text if isinstance(text, str) else " ".join(text)


def load_unlabelled(source: Source | str) -> Iterable[Example]:
    """A source's examples as they are read, whatever the task; a file's own labels mean nothing.

    Raises DataError where the source is absent or altered; malformed lines are passed over.
    """
    source = Source.from_text(source) if isinstance(source, str) else source
    if source.dataset:
        dataset, split = _named_split(source.dataset)
        return _split_examples(dataset, split, BadLines())
    path = existing_file(source)
    reader = text_reader(source, format_of(source, path, task=_TEXTS))
    return (e for document in documents(path) for e in reader(document, BadLines()))


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


def _load_named(source: Source, task: str, bad: BadLines) -> Loaded:
    dataset, split = _named_split(source.dataset)
    if task not in _SERVES[dataset.task]:
        raise DataError(
            f"the data set {dataset.name} is for {' and '.join(_SERVES[dataset.task])}, "
            f"not for {task}"
        )
    if split in dataset.unlabelled and task != _TEXTS:
        raise DataError(
            f"{source.dataset} has no labels; it serves to train word vectors and language models"
        )
    examples = _relabelled(_split_examples(dataset, split, bad), source.labels)
    files = {Path(part.file).name: SHA256[part.file] for part in dataset.splits[split]}
    record = SourceRecord(
        name=source.dataset,
        url=dataset.url,
        licence=dataset.licence,
        version=dataset.version,
        note=dataset.note,
        files=files,
    )
    return Loaded(tuple(examples), record, dataset.tokenised)


def _named_split(name: str) -> tuple[Dataset, str]:
    """ "name:split" to both. Raises DataError that names the nearest known one."""
    name, split = name.split(":")
    dataset = find_dataset(name)
    if split not in dataset.splits:
        known = nearest(split, list(dataset.splits))
        raise DataError(f"{dataset.name} has no split {split!r}; {known}")
    return dataset, split


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
            found = reader(document, bad)
            yield from found if part.keeps is None else filter(part.keeps, found)


def _member_reader(part: Part, name: str) -> Reader | None:
    matching = (reader for glob, reader in part.members.items() if fnmatch.fnmatch(name, glob))
    return next(matching, None)


def _relabelled(examples: Iterable[Example], labels: Mapping[str, str]) -> Iterator[Example]:
    """A named data set's labels may be renamed, or left out with ""; the others stay, and tags."""
    for example in examples:
        if isinstance(example.item, AspectItem):
            yield _aspects_relabelled(example, example.item, labels)
        elif not isinstance(example.gold, str) or example.gold not in labels:
            yield example
        elif gold := labels[example.gold]:
            yield replace(example, gold=gold)


def _aspects_relabelled(example: Example, item: AspectItem, labels: Mapping[str, str]) -> Example:
    renamed = [labels.get(label, label) for label in example.gold[0]]
    judged = list(zip(item.aspects, renamed, strict=True))
    return aspect_example(item.text, judged, example.source)


def _load_file(source: Source, task: str, bad: BadLines) -> Loaded:
    path = existing_file(source)
    form = format_of(source, path, task=task)
    reader = text_reader(source, form) if task == _TEXTS else reader_of(source, form)
    examples = [e for document in documents(path) for e in reader(document, bad)]
    record = SourceRecord(
        name=path.name,
        url="",
        licence="not stated",
        version=treebank_version(path) if form == "conllu" else "unknown",
        note="a file of one's own",
        files={path.name: sha256_of(path)},
    )
    return Loaded(tuple(examples), record, source.tokenised)


def _for_task(loaded: Loaded, source: Source, task: str) -> Loaded:
    if task == _TEXTS:
        return replace(loaded, examples=tuple(map(_without_labels, loaded.examples)))
    if task not in ASPECT_TASKS:
        return loaded
    if task == "extraction" and source.aspects != "terms":
        raise DataError('a task that finds terms in texts reads no categories: aspects = "terms"')
    counts = AspectCounts()
    choice = Choice(task, source.aspects, source.conflict)
    examples = tuple(choose(loaded.examples, choice, counts))
    if not counts.used:
        raise DataError(
            f'{loaded.record.name} holds no {_KINDS[source.aspects]}; set the source\'s "aspects" '
            'to "terms", "categories" or "both"'
        )
    return replace(
        loaded, examples=examples, record=replace(loaded.record, aspects=counts.to_dict())
    )


def _without_labels(example: Example) -> Example:
    """What a language model reads: a text, or words of which END is the last."""
    item = example.item.text if isinstance(example.item, AspectItem) else example.item
    if not isinstance(item, str) and item[-1] != END:
        item = (*item, END)
    return Example(item, "", example.source)
