"""The recipe of a linear model with features: `[features]`, stage by stage.

    terms -> select -> weigh -> topics, the lecture's six -> standardise -> project -> classify

A recipe leaves out what it does not want. Where a key takes a list, each value is tried and the one
that scores best on dev is kept.
"""

from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, TypeVar

from nlp.terms import LONGEST_NGRAM
from training.build import Between
from training.errors import RecipeError

Count = Annotated[int, Between(least=1)]
Positive = Annotated[float, Between(above=0)]
Weighting = Literal["tfidf", "nb", "count", "binary"]
HU_LIU: Final = "hu-liu"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LexiconFiles:
    """Opinion words, one a line; lines that begin with ";" are left out.

    positive, negative: a file each, or "hu-liu" for that half of Hu and Liu's lexicon.
    negation: after not, n't, no or never, a word of the same clause counts for the other side.
    """

    positive: str = HU_LIU
    negative: str = HU_LIU
    encoding: str = "utf-8"
    negation: bool = False


@dataclass(frozen=True, slots=True)
class TermsRecipe:
    """n-grams of words.

    ngrams: the longest. min_count: training texts that a term must stand in.
    stop_words: "none", "english" (function words; negations stay), "sklearn" (scikit-learn's own
        list, negations among them), or a file, one word a line.
    weighting: tfidf, nb (log-count ratio of presence, two labels only: Wang and Manning 2012),
        count, or binary (presence).
    sublinear: tfidf takes 1 + ln(count) for a count. norm: a text's weighted terms have length 1.
    """

    ngrams: Annotated[int, Between(least=1, most=LONGEST_NGRAM)] = 1
    min_count: Count = 1
    stop_words: str = "none"
    weighting: Weighting = "tfidf"
    sublinear: bool = False
    norm: bool = True

    def __post_init__(self) -> None:
        if self.sublinear and self.weighting != "tfidf":
            raise RecipeError("goes with the weighting tfidf alone", path="sublinear")
        if not self.stop_words:
            raise RecipeError('must be "none", "english", "sklearn" or a file', path="stop_words")


@dataclass(frozen=True, slots=True)
class Select:
    """Terms kept: those whose presence shares the most information with the label."""

    mutual_information: Count | tuple[Count, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        return _listed(self.mutual_information)

    def __post_init__(self) -> None:
        if not self.sizes:
            raise RecipeError("must name at least one number", path="mutual_information")


@dataclass(frozen=True, slots=True)
class Projection:
    """One of: pca (principal components, around the mean), svd (singular vectors, without a mean:
    latent semantic analysis), lda (linear discriminants, fewer than there are labels); how many.
    """

    pca: Count | None = None
    svd: Count | None = None
    lda: Count | None = None

    @property
    def kind(self) -> str:
        return next(name for name in ("pca", "svd", "lda") if getattr(self, name) is not None)

    @property
    def width(self) -> int:
        width: int = getattr(self, self.kind)
        return width

    def __post_init__(self) -> None:
        if sum(width is not None for width in (self.pca, self.svd, self.lda)) != 1:
            raise RecipeError("must be one of {pca = n}, {svd = n}, {lda = n}")


@dataclass(frozen=True, slots=True)
class Classifier:
    """Logistic regression. C: how weakly it is held back (the inverse of the L2 penalty).

    balanced: each label counts for the same, however rare.
    """

    C: Positive | Count | tuple[Positive, ...] = 1.0
    balanced: bool = False

    @property
    def strengths(self) -> tuple[float, ...]:
        return tuple(float(strength) for strength in _listed(self.C))

    def __post_init__(self) -> None:
        if not self.strengths:
            raise RecipeError("must name at least one number", path="C")


@dataclass(frozen=True, slots=True)
class Features:
    """What a linear model reads, and the stages up to its classifier.

    lecture: the lecture's six features, with the words of `lexicon`.
    topics: so many topics by latent Dirichlet allocation of the terms' counts.
    only_topics: the terms serve the topics alone and are not read themselves.
    standardise: the six features and the topics have mean 0 and variance 1 on the training split.
    project: over all that is read, one after the other.
    """

    lecture: bool = False
    lexicon: LexiconFiles = field(default_factory=LexiconFiles)
    terms: TermsRecipe | None = None
    select: Select | None = None
    topics: Annotated[int, Between(least=2)] | None = None
    only_topics: bool = False
    standardise: bool = True
    project: tuple[Projection, ...] = ()
    classifier: Classifier = field(default_factory=Classifier)

    @property
    def reads_terms(self) -> bool:
        """Whether the classifier, or the first projection, reads the terms themselves."""
        return self.terms is not None and not self.only_topics

    def __post_init__(self) -> None:
        if self.terms is None and not self.lecture:
            raise RecipeError("must read something: lecture = true, or a table of terms, or both")
        self._check_what_needs_terms()
        self._check_projections()
        if self.lexicon != LexiconFiles() and not self.lecture:
            raise RecipeError("is read only for lecture = true", path="lexicon")

    def _check_what_needs_terms(self) -> None:
        for name in ("select", "topics"):
            if getattr(self, name) is not None and self.terms is None:
                raise RecipeError("needs terms, and there is no table of them", path=name)
        if self.only_topics and self.topics is None:
            raise RecipeError("needs topics", path="only_topics")

    def _check_projections(self) -> None:
        kinds = [step.kind for step in self.project]
        if "lda" in kinds[:-1]:
            raise RecipeError("lda must be the last: nothing is left to project", path="project")
        if "lda" in kinds[:1] and self.reads_terms:
            raise RecipeError("lda of terms needs pca or svd before it", path="project")
        if "pca" in kinds[1:] or "svd" in kinds[1:]:
            raise RecipeError("pca or svd must be the first, and one is enough", path="project")


def _listed(value: T | tuple[T, ...]) -> tuple[T, ...]:
    return value if isinstance(value, tuple) else (value,)
