"""The literal table: task name -> how it is trained and scored."""

from typing import Final

from training.build import nearest
from training.errors import RecipeError
from training.tasks.aspects import ASPECTS
from training.tasks.base import Trainable
from training.tasks.extraction import EXTRACTION
from training.tasks.language_model import LANGUAGE_MODEL
from training.tasks.pairs import PAIRS
from training.tasks.sentiment import SENTIMENT
from training.tasks.tagging import TAGGING

TRAINING: Final[dict[str, Trainable]] = {
    "sentiment": SENTIMENT,
    "tagging": TAGGING,
    "aspects": ASPECTS,
    "extraction": EXTRACTION,
    "language-model": LANGUAGE_MODEL,
    "pairs": PAIRS,
}


def trainable(task: str) -> Trainable:
    """Raises RecipeError for a task that is not in the table."""
    if task not in TRAINING:
        raise RecipeError(f"there is no task {task!r}; {nearest(task, list(TRAINING))}")
    return TRAINING[task]
