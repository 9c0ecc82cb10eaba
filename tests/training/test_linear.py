"""Linear models against scikit-learn's own pipelines, and through a whole run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA, LatentDirichletAllocation, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer
from tiny_runs import BAD, GOOD, THINGS, reviews, write_csv

from nlp.model import Model
from nlp.networks.linear import Linear
from nlp.tasks.base import Example
from nlp.tasks.sentiment import SentimentAnswer
from nlp.text import split_words
from training.errors import DataError, RecipeError
from training.fit import torch_model
from training.linear import build_linear_materials, fit_linear
from training.linear_terms import log_count_ratio, mutual_information
from training.materials import Materials
from training.recipe import Recipe, from_dict
from training.run import assist, run_recipe
from training.run_folder import RunFolder
from training.splits import Splits

TRAIN = [*reviews(24, 1), ("Warm warm soup, and warm bread, cold tea.", "positive")]
DEV = reviews(6, 2)
MIXED = [
    "The soup was lovely, lovely and cold.",
    "dull",
    "nothing known here",
    "A rude, rude film!",
]
NewRun = Callable[[Recipe], RunFolder]


def recipe(features: dict[str, Any], **other: object) -> Recipe:
    raw: dict[str, Any] = {
        "name": "linear",
        "task": "sentiment",
        "data": {"train": ["sst2:train"], "dev": ["sst2:dev"]},
        "network": {"architecture": "linear"},
    }
    return from_dict({**raw, "features": features, **other})


def examples(rows: Sequence[tuple[str, str]]) -> tuple[Example, ...]:
    return tuple(Example(text, label) for text, label in rows)


SPLITS = Splits(examples(TRAIN), examples(DEV))


@pytest.fixture
def lexicon(tmp_path: Path) -> dict[str, str]:
    """Files of the words that tell the label."""
    for name, words in (("good", GOOD), ("bad", BAD)):
        (tmp_path / f"{name}.txt").write_text("\n".join(words), encoding="utf-8")
    return {"positive": str(tmp_path / "good.txt"), "negative": str(tmp_path / "bad.txt")}


@pytest.fixture
def fitted(new_run: NewRun) -> Callable[..., tuple[Materials, RunFolder]]:
    def fit(wanted: Recipe, splits: Splits = SPLITS) -> tuple[Materials, RunFolder]:
        materials, run = build_linear_materials(wanted, splits.train), new_run(wanted)
        fit_linear(wanted, materials, splits, run)
        return materials, run

    return fit


def random_texts(seed: int, texts: int = 30) -> list[str]:
    rng = np.random.default_rng(seed)
    pool = [*GOOD, *BAD, *THINGS, "the", "was", "and", "visit", ".", "unheard-of", "Warm"]
    return [" ".join(rng.choice(pool, rng.integers(1, 30))) for _ in range(texts)]


def probabilities(model: Model, texts: Sequence[str]) -> np.ndarray[Any, Any]:
    answers = model.answer(texts)
    assert all(isinstance(answer, SentimentAnswer) for answer in answers)
    return np.array([list(answer.to_dict()["scores"].values()) for answer in answers])


def counter(longest: int = 2, **options: Any) -> CountVectorizer:  # noqa: ANN401
    def tokens(text: str) -> list[str]:
        return list(split_words(text).words)

    return CountVectorizer(
        tokenizer=tokens, token_pattern=None, ngram_range=(1, longest), **options
    )


def dense(matrix: csr_matrix) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = matrix.toarray()
    return found


# -- scikit-learn, stage by stage ----------------------------------------------------------------

PIPELINES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "tfidf": (
        {"terms": {"ngrams": 2, "sublinear": True}, "classifier": {"C": 10.0}},
        [counter(), TfidfTransformer(sublinear_tf=True), LogisticRegression(C=10.0)],
    ),
    "counts, no norm, frequent, balanced": (
        {
            "terms": {"ngrams": 1, "min_count": 3, "weighting": "count", "norm": False},
            "classifier": {"C": 0.5, "balanced": True},
        },
        [counter(1, min_df=3), LogisticRegression(C=0.5, class_weight="balanced")],
    ),
    "presence": (
        {"terms": {"ngrams": 3, "weighting": "binary", "stop_words": "sklearn", "norm": False}},
        [counter(3, stop_words="english"), Binarizer(), LogisticRegression()],
    ),
    "latent semantic analysis": (
        {"terms": {"ngrams": 2}, "project": [{"svd": 8}, {"lda": 1}]},
        [
            counter(),
            TfidfTransformer(),
            TruncatedSVD(8, random_state=13),
            LinearDiscriminantAnalysis(n_components=1),
            LogisticRegression(),
        ],
    ),
    "principal components": (
        {"terms": {"ngrams": 2}, "project": [{"pca": 6}]},
        [
            counter(),
            TfidfTransformer(),
            FunctionTransformer(dense, accept_sparse=True),
            PCA(6, svd_solver="full"),
            LogisticRegression(),
        ],
    ),
    "topics": (
        {"terms": {"ngrams": 1}, "topics": 4, "only_topics": True, "standardise": False},
        [
            counter(1),
            LatentDirichletAllocation(
                4, max_doc_update_iter=10, mean_change_tol=0.0, random_state=13
            ),
            LogisticRegression(),
        ],
    ),
}


@pytest.mark.filterwarnings("ignore:Your stop_words may be inconsistent")
@pytest.mark.parametrize("name", PIPELINES)
def test_answers_are_those_of_scikit_learns_pipeline(
    name: str, fitted: Callable[..., tuple[Materials, RunFolder]]
) -> None:
    features, stages = PIPELINES[name]
    materials, _ = fitted(recipe(features))
    pipeline = Pipeline([(str(i), stage) for i, stage in enumerate(stages)])
    pipeline.fit([text for text, _ in TRAIN], [label for _, label in TRAIN])
    texts = [*random_texts(0), *MIXED, *(text for text, _ in DEV)]
    found = probabilities(torch_model(materials), texts)
    np.testing.assert_allclose(found, pipeline.predict_proba(texts), atol=1e-5)


def test_selected_terms_are_weighed_as_if_there_were_no_others(
    fitted: Callable[..., tuple[Materials, RunFolder]],
) -> None:
    """Of lists, the longest sets the version's size: what was not chosen must weigh nothing."""
    features = {"terms": {"ngrams": 2}, "select": {"mutual_information": [12, 60]}}
    materials, run = fitted(recipe(features))
    scores = [row["dev_accuracy"] for row in run.metrics()]
    best = (12, 60)[int(np.argmax(scores))]
    alone, _ = fitted(recipe({**features, "select": {"mutual_information": best}}))
    assert (materials.spec.sizes["terms"], alone.spec.sizes["terms"]) == (60, best)
    texts = random_texts(1)
    found, expected = (probabilities(torch_model(made), texts) for made in (materials, alone))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_mutual_information_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    counts, gold = rng.poisson(0.4, (80, 30)), rng.integers(0, 3, 80)
    counts[:, 0] = gold == 1
    expected = mutual_info_classif(counts > 0, gold, discrete_features=True)
    found = mutual_information(csr_matrix(counts.astype(float)), gold)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found.argmax() == 0


def test_the_log_count_ratio_is_longhand() -> None:
    counts = csr_matrix([[2.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    gold = np.array([1, 0, 1])
    p, q = np.array([3, 2, 2]), np.array([1, 2, 1])
    expected = np.log((p / 7) / (q / 4))
    np.testing.assert_allclose(log_count_ratio(counts, gold), expected)
    with pytest.raises(RecipeError, match=r"features\.terms\.weighting: nb weighs terms for two"):
        log_count_ratio(counts, np.array([0, 1, 2]))


def test_nb_weighted_presence_is_logistic_regression_over_it(
    fitted: Callable[..., tuple[Materials, RunFolder]],
) -> None:
    features = {"terms": {"ngrams": 2, "weighting": "nb", "norm": False}, "classifier": {"C": 0.3}}
    materials, _ = fitted(recipe(features))
    texts, labels = zip(*TRAIN, strict=True)
    count = counter(binary=True)
    presence = count.fit_transform(texts)
    bayes = BernoulliNB(alpha=1.0).fit(presence, labels)  # its counts, not its probabilities
    held = bayes.feature_count_ + 1
    ratio = np.log(held[1] / held[1].sum()) - np.log(held[0] / held[0].sum())
    model = LogisticRegression(C=0.3).fit(presence.multiply(ratio).tocsr(), labels)
    unseen = random_texts(2)
    expected = model.predict_proba(count.transform(unseen).multiply(ratio).tocsr())
    np.testing.assert_allclose(probabilities(torch_model(materials), unseen), expected, atol=1e-5)


@pytest.mark.parametrize("project", [[], [{"pca": 3}, {"lda": 1}]], ids=["bare", "projected"])
def test_six_features_standardised(
    project: list[dict[str, int]],
    lexicon: dict[str, str],
    fitted: Callable[..., tuple[Materials, RunFolder]],
) -> None:
    from sklearn.preprocessing import StandardScaler

    features = {"lecture": True, "lexicon": lexicon, "project": project}
    texts = random_texts(9, 60)  # of no sense: what separates two labels leaves no spread within
    labels = ["positive" if text < "m" else "negative" for text in texts]
    splits = Splits(examples(list(zip(texts, labels, strict=True))), SPLITS.dev)
    materials, _ = fitted(recipe(features), splits)
    extractor = materials.spec.extractor
    assert extractor is not None
    stages = [PCA(3), LinearDiscriminantAnalysis(n_components=1)] if project else []
    stages = [StandardScaler(), *stages, LogisticRegression()]
    pipeline = Pipeline([(str(i), stage) for i, stage in enumerate(stages)])

    def read(lines: Sequence[str]) -> list[Any]:
        return [extractor.arrays(split_words(line).words)["lecture"] for line in lines]

    pipeline.fit(read(texts), labels)
    unseen = random_texts(3)
    expected = pipeline.predict_proba(read(unseen))
    np.testing.assert_allclose(probabilities(torch_model(materials), unseen), expected, atol=1e-5)


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("features", "other", "message"),
    [
        ({"terms": {}}, {"task": "tagging"}, "task: a linear model labels whole texts"),
        (
            {"terms": {}},
            {"network": {"architecture": "linear", "sizes": {"terms": 3}}},
            "network.sizes: a linear model's sizes follow",
        ),
        (
            {"terms": {}},
            {"text": {"vectors": "glove.6B.50d"}},
            "text.vectors: a linear model reads",
        ),
        ({"terms": {}}, {"training": {"metric": "span_f1"}}, "training.metric: must be accuracy"),
        (
            {"terms": {}, "project": [{"pca": 9}, {"lda": 2}]},
            {},
            "lda is 2; of 2 labels it can be 1",
        ),
    ],
)
def test_a_recipe_that_no_linear_model_can_follow(
    features: dict[str, Any], other: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        build_linear_materials(recipe(features, **other), SPLITS.train)


def test_more_components_than_texts_are_refused(
    fitted: Callable[..., tuple[Materials, RunFolder]],
) -> None:
    with pytest.raises(RecipeError, match=r"svd is 500; of 49 texts with .* it can be 48 at most"):
        fitted(recipe({"terms": {"ngrams": 2}, "project": [{"svd": 500}]}))


def test_one_label_or_no_term_is_refused() -> None:
    with pytest.raises(DataError, match="the training split has one label, 'positive'"):
        build_linear_materials(recipe({"terms": {}}), SPLITS.train[:1])
    with pytest.raises(DataError, match="no term stands in 900 training texts"):
        build_linear_materials(recipe({"terms": {"min_count": 900}}), SPLITS.train)


# -- a whole run ---------------------------------------------------------------------------------


@pytest.fixture
def tiny(tmp_path: Path, lexicon: dict[str, str]) -> Recipe:
    """Over files, as a user's own recipe would be, with nearly every stage."""
    files = {"train": TRAIN, "dev": DEV, "test": reviews(5, 3)}
    for split, rows in files.items():
        write_csv(tmp_path / f"{split}.csv", rows)
    sources = {split: [str(tmp_path / f"{split}.csv")] for split in files}
    features = {
        "lecture": True,
        "lexicon": {**lexicon, "negation": True},
        "terms": {"ngrams": 2, "stop_words": "english", "sublinear": True},
        "select": {"mutual_information": 80},
        "project": [{"svd": 10}, {"lda": 1}],
        "classifier": {"C": [0.1, 10.0]},
    }
    return recipe(features, data=sources, publish={"golden": 4})


def test_a_run_is_published_like_any_other(tiny: Recipe, new_run: NewRun) -> None:
    run, seen = new_run(tiny), list[Mapping[str, float]]()
    result = run_recipe(tiny, run, device="cpu", record=seen.append)
    assert result.evaluation.first.accuracy > 0.9
    assert [(row["step"], row["steps"], row["C"]) for row in seen] == [(1, 2, 0.1), (2, 2, 10.0)]
    assert run.metrics() == seen
    files = {path.name for path in result.folder.iterdir()}
    assert {"terms.txt", "stop-words.txt", "positive.txt", "negative.txt", "card.md"} <= files
    card = (result.folder / "card.md").read_text(encoding="utf-8")
    assert "Opinion words: good.txt, sha256" in card
    model, reference = (Model.load(result.folder, runtime=name) for name in ("onnx", "torch"))
    texts = random_texts(4)
    found, expected = (probabilities(one, texts) for one in (model, reference))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.ptp(found[:, 0]) > 0.5
    (answer,) = model.answer(["The soup was lovely!"])
    assert isinstance(answer, SentimentAnswer)
    assert answer.explanation is not None
    assert [word["feature"] for word in answer.explanation["words"]] == ["positive", "exclamation"]


def test_a_run_that_had_ended_and_one_begun_again_have_the_same_weights(
    tiny: Recipe, new_run: NewRun
) -> None:
    first, second = new_run(tiny), new_run(tiny)
    weights = []
    for run in (first, first, second):
        materials = build_linear_materials(tiny, SPLITS.train)
        network = fit_linear(tiny, materials, SPLITS, run)
        assert isinstance(network, Linear)
        weights.append({name: tensor.clone() for name, tensor in network.state_dict().items()})
    for others in weights[1:]:
        assert all(others[name].equal(tensor) for name, tensor in weights[0].items())
    assert len(first.metrics()) == len(second.metrics()) == 2


def test_helpers_of_a_torchrun_have_nothing_to_do(tiny: Recipe, new_run: NewRun) -> None:
    run = new_run(tiny)
    assist(tiny, run, device="cpu")
    assert run.metrics() == []
    assert not run.trained.exists()
