"""What the table [features] may say, and combinations that mean nothing."""

from typing import Any

import pytest

from training.errors import RecipeError
from training.linear_recipe import Classifier, Projection, Select
from training.recipe import from_dict, to_dict

RAW: dict[str, Any] = {
    "name": "linear",
    "task": "sentiment",
    "data": {"train": ["sst2:train"], "dev": ["sst2:dev"]},
    "network": {"architecture": "linear"},
}
TERMS: dict[str, Any] = {"terms": {"ngrams": 2}}


def test_every_stage_may_be_asked_for_and_survives_json() -> None:
    features = {
        "lecture": True,
        "lexicon": {"positive": "good.txt", "negation": True},
        "terms": {"ngrams": 2, "min_count": 2, "stop_words": "english", "sublinear": True},
        "select": {"mutual_information": [100, 200]},
        "topics": 5,
        "project": [{"pca": 20}, {"lda": 1}],
        "classifier": {"C": [0.1, 1]},
    }
    recipe = from_dict({**RAW, "features": features})
    assert from_dict(to_dict(recipe)) == recipe
    assert recipe.features is not None
    assert recipe.features.project == (Projection(pca=20), Projection(lda=1))
    assert recipe.features.select == Select((100, 200))
    assert recipe.features.classifier.strengths == (0.1, 1.0)


@pytest.mark.parametrize("strength", [3, 3.0, [3.0]])
def test_one_number_is_a_list_of_one(strength: object) -> None:
    recipe = from_dict({**RAW, "features": {**TERMS, "classifier": {"C": strength}}})
    assert recipe.features is not None
    assert recipe.features.classifier.strengths == (3.0,)
    assert Classifier().strengths == (1.0,)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({}, "features: must read something"),
        ({"lecture": True, "select": {"mutual_information": 9}}, "features.select: needs terms"),
        ({"lecture": True, "topics": 9}, "features.topics: needs terms"),
        ({**TERMS, "only_topics": True}, "features.only_topics: needs topics"),
        ({**TERMS, "topics": 1}, "features.topics: must be at least 2, and is 1"),
        ({**TERMS, "project": [{"lda": 1}]}, "features.project: lda of terms needs pca or svd"),
        ({**TERMS, "project": [{"pca": 9}, {"svd": 3}]}, "pca or svd must be the first"),
        (
            {"lecture": True, "project": [{"lda": 1}, {"pca": 1}]},
            "features.project: lda must be the last",
        ),
        ({**TERMS, "project": [{}]}, r"features.project\[0\]: must be one of {pca = n}"),
        ({**TERMS, "project": [{"pca": 9, "lda": 1}]}, "must be one of"),
        ({**TERMS, "lexicon": {"negation": True}}, "features.lexicon: is read only for lecture"),
        ({"terms": {"weighting": "nb", "sublinear": True}}, "features.terms.sublinear: goes with"),
        ({"terms": {"weighting": "bm25"}}, "features.terms.weighting: must be one of"),
        ({"terms": {"ngrams": 6}}, "features.terms.ngrams: must be at least 1 and at most 5"),
        ({"terms": {"stop_words": ""}}, "features.terms.stop_words: must be"),
        ({**TERMS, "select": {"mutual_information": []}}, "features.select.mutual_information"),
        ({**TERMS, "classifier": {"C": []}}, "features.classifier.C: must name at least one"),
        ({**TERMS, "classifier": {"C": 0.0}}, "features.classifier.C: must be above 0"),
        ({**TERMS, "clasifier": {}}, "features.clasifier: unknown key; did you mean 'classifier'"),
    ],
)
def test_what_means_nothing_is_refused(features: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        from_dict({**RAW, "features": features})


def test_features_and_the_architecture_go_together() -> None:
    with pytest.raises(RecipeError, match="features: goes with network"):
        from_dict(RAW)
    with pytest.raises(RecipeError, match="features: goes with"):
        from_dict({**RAW, "network": {"architecture": "textcnn"}, "features": TERMS})
