"""A file of one's own: where it is, which format it has, and the reader of that format."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from training.aspects import ASPECT_TASKS
from training.errors import DataError
from training.readers import Reader
from training.readers.aspect_json import AspectJson
from training.readers.aspects import POLARITIES
from training.readers.conllu import Conllu
from training.readers.labelled import Columns, JsonLines, LabelFirst, Meaning
from training.readers.plain import PlainText
from training.readers.semeval import SemEval
from training.readers.three_lines import SIGNS, ThreeLines
from training.readers.tuples import NUMBERED, SENTIMENTS, Quadruples, SpanQuadruples, Triplets
from training.recipe import Source

_PACKED: Final = (".xz", ".gz")
_BY_SUFFIX: Final = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".conllu": "conllu",
    ".xml": "semeval",
    ".seg": "three-line",
}
_OF_TEXTS: Final = ("labelled", "csv", "tsv", "jsonl")
_OF_ASPECTS: Final = ("semeval", "mams", "three-line", "aste", "asqp", "acos", "aspects")
_OF_TASK: Final[Mapping[str, tuple[str, ...]]] = {
    "sentiment": _OF_TEXTS,
    "tagging": ("conllu",),
    "language-model": ("text", *_OF_TEXTS, "conllu", *_OF_ASPECTS),
    **dict.fromkeys(ASPECT_TASKS, _OF_ASPECTS),
}


def existing_file(source: Source) -> Path:
    """From the working directory, else among the shipped recipes. Raises DataError for none."""
    shipped = Path(__file__).with_name("recipes") / source.file
    path = next((path for path in (Path(source.file), shipped) if path.is_file()), None)
    if path is None:
        raise DataError(f"there is no data file {source.file!r}")
    return path


def format_of(source: Source, path: Path, *, task: str) -> str:
    """The format that is set, or that the file's name tells. Raises DataError for one that the
    task cannot learn from.
    """
    form = source.format if source.format != "auto" else _by_name(path, task)
    if form not in _OF_TASK[task]:
        fit = ", ".join(_OF_TASK[task])
        raise DataError(f"{path.name}: the format {form} does not fit the task {task}, but: {fit}")
    return form


def reader_of(source: Source, form: str) -> Reader:
    """The reader of a format, with the source's options."""
    return _READERS[form](source)


def text_reader(source: Source, form: str) -> Reader:
    """The same where only the texts are wanted: columns and fields need no label."""
    label = {"jsonl": "", "csv": source.text, "tsv": source.text}.get(form, source.label)
    return reader_of(replace(source, label=label, labels={}), form)


def _by_name(path: Path, task: str) -> str:
    bare = path.with_suffix("") if path.suffix in _PACKED else path
    if bare.suffix == ".txt" and task == "language-model":
        return "text"
    if bare.suffix == ".jsonl" and task in ASPECT_TASKS:
        return "aspects"
    if bare.suffix not in _BY_SUFFIX:
        known = ", ".join(_OF_TASK[task])
        raise DataError(f"{path.name}: its name does not tell the format; set format to {known}")
    return _BY_SUFFIX[bare.suffix]


def _columns(source: Source, *, tabbed: bool) -> Columns:
    return Columns(
        Meaning(source.labels),
        source.text,
        source.label,
        delimiter="\t" if tabbed else source.delimiter,
        header=source.header,
        quoted=not tabbed,
        encoding=source.encoding,
    )


def _json_lines(source: Source) -> JsonLines:
    return JsonLines(Meaning(source.labels), source.text, source.label, source.encoding)


def _semeval(source: Source) -> SemEval:
    return SemEval(source.labels or POLARITIES)


_READERS: Final[Mapping[str, Callable[[Source], Reader]]] = {
    "labelled": lambda source: LabelFirst(Meaning(source.labels), source.encoding),
    "csv": lambda source: _columns(source, tabbed=False),
    "tsv": lambda source: _columns(source, tabbed=True),
    "jsonl": _json_lines,
    "conllu": lambda source: Conllu(source.encoding),
    "text": lambda source: PlainText(source.encoding),
    "semeval": _semeval,
    "mams": _semeval,
    "three-line": lambda source: ThreeLines(source.labels or SIGNS, source.encoding),
    "aste": lambda source: Triplets(source.labels or SENTIMENTS, source.encoding),
    "asqp": lambda source: Quadruples(source.labels or POLARITIES, source.encoding),
    "acos": lambda source: SpanQuadruples(source.labels or NUMBERED, source.encoding),
    "aspects": lambda source: AspectJson(source.labels or POLARITIES, source.encoding),
}
