"""Which terms a linear model reads, and what each weighs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import xlogy
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize

from nlp.terms import Grams, Terms
from training.errors import DataError, RecipeError
from training.lexicons import stop_words
from training.linear_recipe import Features, TermsRecipe

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]
Sparse = Any
"""scipy.sparse.csr_matrix, which has no types here."""

_SMOOTHING: Final = 1.0


def choose_terms(features: Features, texts: Sequence[Sequence[str]], gold: Ids) -> Terms | None:
    """The terms of the training split: by falling information where the recipe selects, so that
    the best k are the first k; else by spelling.

    texts: the words of each; gold: (texts,) label ids. Raises DataError where no term is left.
    """
    if features.terms is None:
        return None
    wanted = features.terms
    grams = Grams(wanted.ngrams, True, stop_words(wanted.stop_words))
    found = Counter(gram for words in texts for gram in set(grams(words)))
    names = sorted(g for g, n in found.items() if n >= wanted.min_count and "\n" not in g)
    if not names:
        raise DataError(f"no term stands in {wanted.min_count} training texts")
    terms = Terms(names, grams)
    if features.select is None:
        return terms
    counts = count_matrix([terms.arrays(words) for words in texts], len(names))
    best = np.argsort(-mutual_information(counts, gold), kind="stable")
    return Terms([names[i] for i in best[: max(features.select.sizes)]], grams)


def count_matrix(rows: Iterable[Mapping[str, NDArray[Any]]], terms: int) -> Sparse:
    """How often each term occurs: (rows, terms), from each row's `terms` and `counts`."""
    ids, counts, ends = [], [], [0]
    for row in rows:
        ids.append(row["terms"] - 1)
        counts.append(row["counts"])
        ends.append(ends[-1] + len(row["terms"]))
    data = np.concatenate(counts).astype(np.float64)
    return csr_matrix((data, np.concatenate(ids), ends), shape=(len(ends) - 1, terms))


def mutual_information(counts: Sparse, gold: Ids) -> Floats:
    """Of each term's presence and the label, in nats: (terms,).

    I = sum over presence x and label y of p(x, y) ln(p(x, y) / (p(x) p(y))).
    """
    presence = counts > 0
    labels = np.eye(gold.max() + 1)[gold]  # (texts, labels)
    total, with_label = len(gold), labels.sum(axis=0)[:, None]
    present = labels.T @ presence  # (labels, terms): texts of the label that hold the term
    joint = np.stack([present, with_label - present]) / total  # (2, labels, terms)
    apart = joint.sum(axis=1, keepdims=True) * (with_label / total)
    terms: Floats = (xlogy(joint, joint) - xlogy(joint, apart)).sum(axis=(0, 1))
    return terms


def term_weights(recipe: TermsRecipe, counts: Sparse, gold: Ids) -> Floats:
    """What each term's frequency is multiplied by: (terms,). Raises RecipeError."""
    if recipe.weighting == "tfidf":
        weights: Floats = TfidfTransformer(norm=None).fit(counts).idf_
        return weights
    if recipe.weighting == "nb":
        return log_count_ratio(counts, gold)
    return np.ones(counts.shape[1])


def log_count_ratio(counts: Sparse, gold: Ids) -> Floats:
    """r = ln((p / |p|) / (q / |q|)) where p and q count the texts of the second and of the first
    label that hold each term, plus one: Wang and Manning (2012), "Baselines and Bigrams".

    Raises RecipeError for more labels than two.
    """
    if gold.max() > 1:
        raise RecipeError("nb weighs terms for two labels", path="features.terms.weighting")
    presence = counts > 0
    q, p = (
        np.asarray(presence[gold == label].sum(axis=0)).ravel() + _SMOOTHING for label in (0, 1)
    )
    ratio: Floats = np.log(p / p.sum()) - np.log(q / q.sum())
    return ratio


def frequency_of(recipe: TermsRecipe) -> str:
    """The network's `tf`."""
    if recipe.weighting in ("nb", "binary"):
        return "binary"
    return "log" if recipe.sublinear else "count"


def weigh(recipe: TermsRecipe, counts: Sparse, weights: Floats) -> Sparse:
    """Counts to what the classifier reads: (texts, terms), sparse."""
    values = counts.copy()
    if frequency_of(recipe) == "binary":
        values.data = np.ones_like(values.data)
    elif recipe.sublinear:
        values.data = 1.0 + np.log(values.data)
    values = csr_matrix(values.multiply(weights[None, :]))
    return normalize(values) if recipe.norm else values
