"""The named data sets of aspects, as `training.catalogue` has the others.

Mind their overlaps: SemEval-2016's restaurants are 2015's (train and test) again, many sentences
of 2015 are 2014's, MAMS shares a few with 2014, and the triplet and quadruple sets are cut from
the same sentences. `valence data audit` counts them.
"""

from typing import Final

from training.aspect_parts import (
    Splits,
    mams,
    quadruples,
    segments,
    semeval,
    span_quadruples,
    triplets,
)
from training.parts import Dataset

_META_SHARE: Final = "META-SHARE research licence (none stated in the repository); research use"
_UNDERNEATH: Final = "not stated; SemEval's data (META-SHARE research licence) underneath"
_SEMEVAL: Final = "https://alt.qcri.org/semeval"
_BATISTA: Final = "https://github.com/davidsbatista/Aspect-Based-Sentiment-Analysis"
_DEV: Final = (
    " It has no dev split: dev is the tenth of the training texts that `training.aspect_parts` "
    "picks by digest, train the rest, all_train both."
)
_OF_REVIEWS: Final = "whole reviews by the sentence, opinions on a category, "


def _semeval14(domain: str, note: str, splits: Splits) -> Dataset:
    return Dataset(
        name=f"semeval14_{domain}",
        task="aspects",
        url=f"{_SEMEVAL}2014/task4/ (as in https://github.com/giahy2507/atepc)",
        licence=_META_SHARE,
        version="train v2",
        note=f"SemEval-2014 task 4 (Pontiki et al. 2014): {note}" + _DEV,
        splits=splits,
    )


def _semeval14_segments(domain: str) -> Dataset:
    return Dataset(
        name=f"semeval14_{domain.lower()}_seg",
        task="aspects",
        url="https://github.com/songyouwei/ABSA-PyTorch",
        licence=_META_SHARE,
        version="9a7c6c1",
        note="SemEval-2014 task 4 as ABSA-PyTorch keeps it: tokenised, made of the first train "
        "files; terms alone, without conflict and without the texts that have no term." + _DEV,
        splits=segments(domain),
        tokenised=True,
    )


def _semeval15(domain: str, note: str, splits: Splits) -> Dataset:
    return Dataset(
        name=f"semeval15_{domain}",
        task="aspects",
        url=f"{_SEMEVAL}2015/task12/ (as in {_BATISTA})",
        licence=_META_SHARE,
        version="1d9c8ec",
        note=f"SemEval-2015 task 12 (Pontiki et al. 2015): {_OF_REVIEWS}{note}" + _DEV,
        splits=splits,
    )


def _semeval16(domain: str, note: str, splits: Splits) -> Dataset:
    return Dataset(
        name=f"semeval16_{domain}",
        task="aspects",
        url=f"{_SEMEVAL}2016/task5/ (train as in {_BATISTA}, test as in "
        "https://github.com/uqjwen/aspect)",
        licence=_META_SHARE,
        version="train SB1 v2",
        note=f"SemEval-2016 task 5 (Pontiki et al. 2016): {_OF_REVIEWS}{note}" + _DEV,
        splits=splits,
    )


def _mams(part: str, note: str) -> Dataset:
    return Dataset(
        name=f"mams_{part.lower()}",
        task="aspects",
        url="https://github.com/siat-nlp/MAMS-for-ABSA",
        licence="Apache-2.0",
        version="cddcdb0",
        note=f"MAMS (Jiang et al. 2019): restaurant sentences, {note}",
        splits=mams(part),
    )


def _aste(source: str) -> Dataset:
    return Dataset(
        name=f"aste_{source}",
        task="aspects",
        url="https://github.com/xuuuluuu/SemEval-Triplet-data",
        licence=_UNDERNEATH,
        version="ASTE-Data-V2 d0df660",
        note="Triplets on SemEval's sentences (Xu et al. 2020): only terms on which the text "
        "voices an opinion.",
        splits=triplets(source),
        tokenised=True,
    )


def _asqp(source: str) -> Dataset:
    return Dataset(
        name=f"asqp_{source}",
        task="aspects",
        url="https://github.com/IsakZhang/ABSA-QUAD",
        licence=_UNDERNEATH,
        version="ce4d4a5",
        note="Quadruples on SemEval's sentences (Zhang et al. 2021): terms and categories.",
        splits=quadruples(source),
        tokenised=True,
    )


def _acos(domain: str, stem: str) -> Dataset:
    return Dataset(
        name=f"acos_{domain}",
        task="aspects",
        url="https://github.com/NUSTM/ACOS",
        licence="not stated",
        version="45d179a",
        note="Quadruples with implicit aspects and opinions (Cai et al. 2021): terms and "
        "categories; lower-case.",
        splits=span_quadruples(stem),
        tokenised=True,
    )


ASPECT_DATASETS: Final = (
    _semeval14(
        "restaurants",
        "terms with their places, and categories (food, service, price, ambience, "
        "anecdotes/miscellaneous).",
        semeval(
            "semeval14_absa/xml/Restaurants_Train_v2.xml",
            "semeval14_absa/xml/Restaurants_Test_Gold.xml",
        ),
    ),
    _semeval14(
        "laptops",
        "terms with their places.",
        semeval(
            "semeval14_absa/xml/Laptops_Train_v2.xml",
            "semeval14_absa/xml/Laptops_Test_Gold.xml",
        ),
    ),
    _semeval14_segments("Restaurants"),
    _semeval14_segments("Laptops"),
    _semeval15(
        "restaurants",
        "three in four with a term.",
        semeval(
            "semeval15_absa/ABSA-15_Restaurants_Train_Final.xml",
            "semeval15_absa/ABSA15_Restaurants_Test.xml",
        ),
    ),
    _semeval15(
        "laptops",
        "none with a term.",
        semeval(
            "semeval15_absa/ABSA-15_Laptops_Train_Data.xml",
            "semeval15_absa/ABSA15_Laptops_Test.xml",
        ),
    ),
    _semeval16(
        "restaurants",
        "three in four with a term; train is all of 2015's.",
        semeval(
            "semeval16_absa/ABSA16_Restaurants_Train_SB1_v2.xml",
            "semeval16_absa/EN_REST_SB1_TEST_gold.xml",
        ),
    ),
    _semeval16(
        "laptops",
        "none with a term.",
        semeval(
            "semeval16_absa/ABSA16_Laptops_Train_SB1_v2.xml",
            "semeval16_absa/EN_LAPT_SB1_TEST_gold.xml",
        ),
    ),
    _mams("ATSA", "each with terms of at least two differing polarities."),
    _mams("ACSA", "each with categories (of eight) of at least two differing polarities."),
    _aste("14lap"),
    _aste("14res"),
    _aste("15res"),
    _aste("16res"),
    _asqp("rest15"),
    _asqp("rest16"),
    _acos("restaurant", "Restaurant-ACOS/rest16_quad"),
    _acos("laptop", "Laptop-ACOS/laptop_quad"),
)
"""Every data set of aspects."""
