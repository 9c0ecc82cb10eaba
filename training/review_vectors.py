"""Word vectors of review text: what `valence train vectors` makes.

The recipes' static channels read them. The text is unlabelled reviews of films and products, so the
vectors know opinion words better than those of news or encyclopedias do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from training.build import build
from training.recipe import Count, Seed
from training.recipe_files import apply_overrides
from training.skipgram import SkipGram, train_vectors


@dataclass(frozen=True, slots=True)
class ReviewVectors:
    """output: a file in word2vec's text form; "" is runs/vectors/reviews-<dimensions>.txt.

    sources: "dataset:split" or files. workers: one gives the same file every time.
    """

    output: str = ""
    dimensions: Count = 300
    epochs: Count = 4
    min_count: Count = 5
    workers: Count = 1
    seed: Seed = 13
    sources: tuple[str, ...] = (
        *("imdb:train", "imdb:unsup", "amazon_reviews:all"),
        *("fdu_mtl:train", "fdu_mtl:unlabel"),
    )

    @property
    def path(self) -> Path:
        return Path(self.output or f"runs/vectors/reviews-{self.dimensions}.txt")


def train_review_vectors(overrides: Iterable[str]) -> tuple[Path, int, int]:
    """The file, its words, and the tokens they were trained on.

    overrides: "key=value" over the fields of `ReviewVectors`. Raises RecipeError, DataError.
    """
    recipe = build(ReviewVectors, apply_overrides({}, overrides))
    policy = SkipGram(
        recipe.dimensions,
        epochs=recipe.epochs,
        min_count=recipe.min_count,
        workers=recipe.workers,
        seed=recipe.seed,
    )
    return (recipe.path, *train_vectors(recipe.sources, recipe.path, policy))
