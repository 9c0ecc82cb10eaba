"""The challenger's recipe: the champion's, with the feedback as one more source of training data.

A champion that was retrained itself keeps the recipe that it was retrained from (`retrain.recipe`
in its manifest), so that feedback is never added to feedback: each job collects all of it anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nlp.vocabulary import SPECIALS
from training.errors import DataError, RecipeError
from training.recipe import Recipe, from_dict, to_dict
from training.recipe_files import apply_overrides, load_recipe
from training.retrain.feedback import source
from training.retrain.job import Job
from training.vectors import VECTORS

_STATIC = "embeddings.static"
_LEARNT = "embeddings.learnt.weight"


def base_recipe(
    manifest: Mapping[str, Any], *, name: str, recipe: str | None, overrides: Sequence[str]
) -> Recipe:
    """The recipe without feedback. Raises RecipeError for one of another task than the champion."""
    if recipe is not None:
        found = load_recipe(recipe, overrides)
    else:
        kept = manifest.get("retrain", {}).get("recipe", manifest["recipe"])
        found = from_dict(apply_overrides(kept, overrides))
    if found.task != manifest["task"]:
        raise RecipeError(f"must be {manifest['task']!r}, as the champion's", path="task")
    return replace(found, name=name, search={})


def challenger_recipe(
    base: Recipe, job: Job, *, labels: Sequence[str], repeat: int, vectors: str
) -> Recipe:
    """With the job's training feedback, where there is any; and with the champion's vectors where
    the plan says so. Judgements that are repeated on purpose are no duplicates to refuse.
    """
    path = job.texts("train")
    if path.is_file() and path.stat().st_size:
        more = source(path.as_posix(), task=base.task, labels=labels, repeat=repeat)
        base = replace(base, data=replace(base.data, train=(*base.data.train, more)))
    if repeat > 1:
        base = replace(base, audit=replace(base.audit, allow=(*base.audit.allow, "duplicates")))
    if vectors != "champion":
        return base
    words = count_words(job.vectors) if base.text.vector_words else 0
    text = replace(base.text, vectors=job.vectors.as_posix(), vector_words=words)
    return replace(base, text=text)


def vectors_from(recipe: Recipe) -> str:
    """Where the word vectors come from: "recipe", "champion" where its file is absent, or ""."""
    if not recipe.text.vectors:
        return ""
    named = recipe.text.vectors in VECTORS or Path(recipe.text.vectors).is_file()
    return "recipe" if named else "champion"


def write_champion_vectors(folder: Path, path: Path) -> str:
    """The word vectors of a version folder in word2vec's text form; which of its tables they are.

    The static table holds the vectors that its training started from (in half precision, zero where
    a word had none); the learnt one, taken where there is no other, has moved on from them. Raises
    DataError for a version that has no vectors of words.
    """
    from safetensors import safe_open

    with safe_open(folder / "network.safetensors", "numpy") as tensors:
        held: list[str] = sorted(tensors.keys())
        names = [name for end in (_STATIC, _LEARNT) for name in held if name.endswith(end)]
        if not names:
            raise DataError("the champion has no table of word vectors, and the recipe's is absent")
        table = np.asarray(tensors.get_tensor(names[0]), np.float32)  # (words, size)
    words = (folder / "vocabulary.txt").read_bytes().decode("utf-8").split("\n")[: len(table)]
    rows = [
        (word, row)
        for word, row in zip(words, table, strict=True)
        if word not in SPECIALS and " " not in word and row.any()
    ]
    _write_vectors(rows, table.shape[1], path)
    return names[0]


def count_words(path: Path) -> int:
    """From the first line of a file in word2vec's text form."""
    with path.open(encoding="utf-8") as file:
        return int(file.readline().split()[0])


def plain(recipe: Recipe) -> dict[str, Any]:
    """For the manifest and the plan."""
    return to_dict(recipe)


def _write_vectors(rows: Sequence[tuple[str, Any]], size: int, path: Path) -> None:
    beside = path.with_name(f"{path.name}.partial")
    with beside.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{len(rows)} {size}\n")
        for word, row in rows:
            file.write(f"{word} {' '.join(f'{number:.6g}' for number in row.tolist())}\n")
    beside.replace(path)
