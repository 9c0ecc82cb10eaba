"""The stages between counts and logits: fitted by scikit-learn, kept by the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack, identity, issparse
from sklearn.decomposition import PCA, LatentDirichletAllocation, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from nlp.networks.linear import Linear
from training.errors import RecipeError
from training.items import Item
from training.linear_recipe import Classifier, Features, Projection, TermsRecipe
from training.linear_terms import Floats, Ids, Sparse, count_matrix, term_weights, weigh

TOPIC_STEPS: Final = 10
"""Rounds of inference a text; scikit-learn stops where a round changes little, here it never does,
so that the network can take the very same rounds."""

_ITERATIONS: Final = 10_000
_NO_TERMS: Final[dict[str, NDArray[Any]]] = {
    "terms": np.zeros(0, np.int64),
    "counts": np.zeros(0, np.float32),
}
Stage = Any
"""A fitted estimator of scikit-learn, which has no types here."""


@dataclass(frozen=True, slots=True)
class Read:
    """What the windows of a split hold.

    counts: (windows, terms), sparse. lecture: (windows, 6) or (windows, 0). gold: (windows,).
    """

    counts: Sparse
    lecture: Floats
    gold: Ids

    def first(self, terms: int) -> "Read":
        """The same with the first terms alone."""
        return Read(self.counts[:, :terms], self.lecture, self.gold)


def read_items(items: Sequence[Item], terms: int, layer: str) -> Read:
    """terms: how many there are, 0 for none."""
    arrays = [item.window.arrays for item in items]
    lecture = [row.get("lecture", np.zeros(0)) for row in arrays]
    return Read(
        counts=count_matrix(arrays if terms else [_NO_TERMS] * len(items), terms),
        lecture=np.stack(lecture).astype(np.float64),
        gold=np.array([item.gold[layer] for item in items], np.int64),
    )


@dataclass(frozen=True, slots=True)
class Stages:
    """All that comes before the classifier; a stage that the recipe leaves out is None.

    weights: (terms,). scaler: of the lecture's features and the topics, side by side.
    """

    terms: TermsRecipe | None
    weights: Floats | None
    topics: Stage | None
    scaler: Stage | None
    projections: tuple[Stage, ...]

    def transform(self, read: Read) -> Any:  # noqa: ANN401 - dense or sparse
        """(windows, width): what the classifier reads."""
        values = _joined(self, read)
        for stage in self.projections:
            values = stage.transform(values)
        return values


def fit_stages(features: Features, read: Read, *, seed: int) -> Stages:
    """Every stage on what the stages before it give. Raises RecipeError."""
    wanted = features.terms if features.reads_terms else None
    weights = None if wanted is None else term_weights(wanted, read.counts, read.gold)
    topics = None if features.topics is None else _topics(features.topics, seed).fit(read.counts)
    bare = Stages(wanted, weights, topics, None, ())
    dense = _dense(bare, read)
    scaled = features.standardise and dense.shape[1] > 0
    scaler = StandardScaler().fit(dense) if scaled else None
    stages = Stages(wanted, weights, topics, scaler, ())
    values, projections = _joined(stages, read), list[Stage]()
    for step in features.project:
        projections.append(_projection(step, values, seed=seed).fit(values, read.gold))
        values = projections[-1].transform(values)
    return Stages(wanted, weights, topics, scaler, tuple(projections))


def fit_classifier(recipe: Classifier, strength: float, values: Any, gold: Ids) -> Stage:  # noqa: ANN401
    """values: (windows, width), dense or sparse."""
    weight = "balanced" if recipe.balanced else None
    model = LogisticRegression(C=strength, class_weight=weight, max_iter=_ITERATIONS)
    return model.fit(values, gold)


def write_network(network: Linear, stages: Stages, classifier: Stage) -> None:
    """Put the fitted stages into a network of their sizes; terms beyond theirs weigh nothing."""
    first, *chain = [*_affines(stages, network), _logits(classifier)]
    terms = 0 if stages.weights is None else len(stages.weights)
    with torch.no_grad():
        if network.table is not None and stages.weights is not None:
            _put(network.table.weight, first[0][:terms], start=1)
            _put(network.weights, stages.weights, start=1)
        if network.dense is not None:
            _put(network.dense.weight, first[0][terms:])
        if network.dense is not None and stages.scaler is not None:
            _put(network.dense.mean, stages.scaler.mean_)
            _put(network.dense.scale, stages.scaler.scale_)
        if network.topics is not None and stages.topics is not None:
            _put(network.topics.beta, stages.topics.exp_dirichlet_component_.T, start=1)
        _put(network.bias, first[1])
        for layer, (matrix, bias) in zip(network.chain, chain, strict=True):
            _put(layer.get_parameter("weight"), matrix.T)
            _put(layer.get_parameter("bias"), bias)


def _put(target: Tensor, values: NDArray[Any], *, start: int = 0) -> None:
    """The values from row `start` on, zeros in the other rows."""
    target.zero_()
    target[start : start + len(values)] = torch.from_numpy(np.ascontiguousarray(values))


def _topics(topics: int, seed: int) -> Stage:
    return LatentDirichletAllocation(
        n_components=topics,
        max_doc_update_iter=TOPIC_STEPS,
        mean_change_tol=0.0,
        random_state=seed,
    )


def _dense(stages: Stages, read: Read) -> Floats:
    """(windows, features + topics), standardised where there is a scaler."""
    topics = [] if stages.topics is None else [stages.topics.transform(read.counts)]
    dense: Floats = np.hstack([read.lecture, *topics])
    return dense if stages.scaler is None else stages.scaler.transform(dense)


def _joined(stages: Stages, read: Read) -> Any:  # noqa: ANN401 - dense or sparse
    dense = _dense(stages, read)
    if stages.terms is None or stages.weights is None:
        return dense
    weighted = weigh(stages.terms, read.counts, stages.weights)
    return csr_matrix(hstack([weighted, dense])) if dense.shape[1] else weighted


def _projection(step: Projection, values: Any, *, seed: int) -> Stage:  # noqa: ANN401
    if step.kind == "lda":
        return LinearDiscriminantAnalysis(n_components=step.width)
    most = min(values.shape) - 1
    if step.width > most:
        message = f"{step.kind} is {step.width}; of {values.shape[0]:,} texts with "
        message += f"{values.shape[1]:,} values each it can be {most} at most"
        raise RecipeError(message, path="features.project")
    if step.kind == "svd":
        return TruncatedSVD(step.width, random_state=seed)
    solver = "arpack" if issparse(values) else "auto"
    return PCA(step.width, svd_solver=solver, random_state=seed)


def _affines(stages: Stages, network: Linear) -> list[tuple[Floats, Floats]]:
    """Each projection as (in, out) matrix and (out,) bias."""
    width = 0 if stages.weights is None else len(stages.weights)
    width += 0 if network.dense is None else len(network.dense.mean)
    found: list[tuple[Floats, Floats]] = []
    for stage in stages.projections:
        matrix, bias = _affine(stage, width, sparse=stages.weights is not None and not found)
        found.append((matrix, bias))
        width = len(bias)
    return found


def _affine(stage: Stage, width: int, *, sparse: bool) -> tuple[Floats, Floats]:
    """An affine map is known by what it makes of zero and of the unit vectors."""
    units = identity(width, format="csr") if sparse else np.eye(width)
    nothing = csr_matrix((1, width)) if sparse else np.zeros((1, width))
    bias = stage.transform(nothing)
    return stage.transform(units) - bias, bias[0]


def _logits(classifier: Stage) -> tuple[Floats, Floats]:
    """(in, labels) and (labels,). Of two labels scikit-learn keeps the difference of the logits:
    each label gets half of it.
    """
    weights, bias = classifier.coef_.T, classifier.intercept_
    if weights.shape[1] > 1:
        return weights, bias
    return np.hstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
