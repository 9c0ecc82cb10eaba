"""The named data sets of aspects: one row each, as in `training.catalogue`.

Mind their overlaps: SemEval-2016's restaurants are 2015's (train and test) again, many sentences
of 2015 are 2014's, MAMS shares a few with 2014, and the triplet and quadruple sets are cut from
the same sentences. `valence data audit` counts them.
"""

from typing import Final

from training.aspect_parts import mams, semeval
from training.parts import Dataset

_META_SHARE: Final = "META-SHARE research licence (none stated in the repository); research use"
_BATISTA: Final = "https://github.com/davidsbatista/Aspect-Based-Sentiment-Analysis"
_DEV: Final = (
    "It has no dev split: dev is the tenth of the training texts that `training.aspect_parts` "
    "picks by digest, train the rest, all_train both."
)

ASPECT_DATASETS: Final = (
    Dataset(
        name="semeval14_restaurants",
        task="aspects",
        url="https://alt.qcri.org/semeval2014/task4/ (as in https://github.com/giahy2507/atepc)",
        licence=_META_SHARE,
        version="train v2",
        note="SemEval-2014 task 4 (Pontiki et al. 2014): terms with their places, and categories "
        "(food, service, price, ambience, anecdotes/miscellaneous). " + _DEV,
        splits=semeval(
            "semeval14_absa/xml/Restaurants_Train_v2.xml",
            "semeval14_absa/xml/Restaurants_Test_Gold.xml",
        ),
    ),
    Dataset(
        name="semeval14_laptops",
        task="aspects",
        url="https://alt.qcri.org/semeval2014/task4/ (as in https://github.com/giahy2507/atepc)",
        licence=_META_SHARE,
        version="train v2",
        note="SemEval-2014 task 4 (Pontiki et al. 2014): terms with their places. " + _DEV,
        splits=semeval(
            "semeval14_absa/xml/Laptops_Train_v2.xml", "semeval14_absa/xml/Laptops_Test_Gold.xml"
        ),
    ),
    Dataset(
        name="mams_atsa",
        task="aspects",
        url="https://github.com/siat-nlp/MAMS-for-ABSA",
        licence="Apache-2.0",
        version="cddcdb0",
        note="MAMS (Jiang et al. 2019): restaurant sentences, each with terms of at least two "
        "differing polarities.",
        splits=mams("ATSA"),
    ),
    Dataset(
        name="mams_acsa",
        task="aspects",
        url="https://github.com/siat-nlp/MAMS-for-ABSA",
        licence="Apache-2.0",
        version="cddcdb0",
        note="MAMS (Jiang et al. 2019): the same for eight categories, and no terms.",
        splits=mams("ACSA"),
    ),
)
"""Every data set of aspects."""
