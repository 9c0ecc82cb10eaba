"""Why a linear model said what it said: the features it counted, and what each part added.

What a part adds to a label's logit is its value times its weight, carried through the projections,
which are linear too: the parts and the model's constant sum to the logit. The network gives them as
further outputs, `<layer>_contributions` of the terms and `<layer>_features` of the lecture's six.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nlp.features import Extractor
from nlp.lecture_features import LECTURE, Lecture
from nlp.tasks.base import Encoded, Floats, Row
from nlp.terms import LinearExtractor, Terms
from nlp.text import Words

CONTRIBUTIONS: Final = "_contributions"
FEATURES: Final = "_features"
SHOWN: Final = 20
"""How many terms an explanation names."""

_DIGITS: Final = 4
"""Terms rank by this many digits, then as the text has them: runtimes differ in the seventh."""


def explain(
    extractor: Extractor | None, encoded: Encoded, rows: Sequence[Row], *, layer: str, label: int
) -> dict[str, Any] | None:
    """What spoke for a label, of a model that reads terms or the lecture's features; else None.

    features: the lecture's six, of the whole text. contributions: what each added to the logit.
    words: those that a feature counted, with their offsets (None where the words came tokenised).
    terms: the strongest, strongest first, with what each added; negative: it spoke against it.
    A text of several windows has the windows' contributions averaged as their answers are.
    """
    if not isinstance(extractor, LinearExtractor):
        return None
    lecture = extractor.lecture(encoded.words.words)
    found: dict[str, Any] = {}
    if lecture is not None:
        found |= {"features": _named(lecture.values), "words": _fired(lecture, encoded.words)}
        if layer + FEATURES in rows[0]:
            shares = np.stack([row[layer + FEATURES][:, label] for row in rows])
            found["contributions"] = _named(_weights(encoded) @ shares)
    if extractor.terms is not None and layer + CONTRIBUTIONS in rows[0]:
        added = [row[layer + CONTRIBUTIONS][:, label].tolist() for row in rows]
        found["terms"] = _strongest(_term_shares(encoded, added), extractor.terms)
    return found or None


def _weights(encoded: Encoded) -> Floats:
    """The windows' shares of the text's words: (windows,)."""
    sizes: Floats = np.array([len(window.words) for window in encoded.windows], np.float64)
    total: float = sizes.sum()
    return sizes / total


def _named(values: NDArray[Any]) -> dict[str, float]:
    return dict(zip(LECTURE, values.tolist(), strict=True))


def _fired(lecture: Lecture, words: Words) -> list[dict[str, Any]]:
    return [
        {
            "text": " ".join(words.words[one.start : one.end]),
            "start": words.starts[one.start] if words.located else None,
            "end": words.ends[one.end - 1] if words.located else None,
            "feature": one.feature,
        }
        for one in lecture.fired
    ]


def _term_shares(encoded: Encoded, added: Sequence[list[float]]) -> Mapping[int, float]:
    """What each term added, by its id, in order of first occurrence."""
    found: dict[int, float] = {}
    for weight, window, row in zip(_weights(encoded), encoded.windows, added, strict=True):
        for term, share in zip(window.arrays["terms"].tolist(), row, strict=False):
            found[term] = found.get(term, 0.0) + float(weight) * share
    return found


def _strongest(shares: Mapping[int, float], terms: Terms) -> list[dict[str, Any]]:
    ranked = sorted(shares.items(), key=lambda entry: -abs(round(entry[1], _DIGITS)))[:SHOWN]
    return [{"text": terms.names[term - 1], "contribution": share} for term, share in ranked]
