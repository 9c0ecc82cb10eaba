"""The challenger's recipe, and word vectors that come from the champion's own network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from training.errors import DataError, RecipeError
from training.recipe import Data, Network, Recipe, Source, Text, to_dict
from training.retrain.job import Job, key_of, write_whole
from training.retrain.recipes import (
    base_recipe,
    challenger_recipe,
    count_words,
    vectors_from,
    write_champion_vectors,
)
from training.vectors import load_vectors

RECIPE = Recipe(
    "m",
    "sentiment",
    Data((Source(dataset="sst2:train"),), (Source(dataset="sst2:dev"),)),
    Network("textcnn"),
)


def manifest(recipe: Recipe = RECIPE, **more: object) -> dict[str, object]:
    return {"task": recipe.task, "recipe": to_dict(recipe), **more}


def asked(raw: dict[str, object], *overrides: str, recipe: str | None = None) -> Recipe:
    return base_recipe(raw, name="m", recipe=recipe, overrides=overrides)


def test_the_champions_recipe_is_the_base_and_a_retrained_ones_is_what_it_came_from() -> None:
    assert asked(manifest()) == RECIPE
    later = replace(RECIPE, seed=99)
    kept = {"recipe": to_dict(RECIPE)}
    assert asked(manifest(later, retrain=kept)) == RECIPE
    assert asked(manifest(), "training.epochs=3").training.epochs == 3


def test_another_tasks_recipe_is_refused() -> None:
    with pytest.raises(RecipeError, match="task: must be 'sentiment', as the champion's"):
        asked(manifest(), recipe="tags")


def test_feedback_is_one_more_source_and_what_is_repeated_is_no_duplicate(tmp_path: Path) -> None:
    job = Job(tmp_path)
    plain = challenger_recipe(RECIPE, job, labels=(), repeat=1, vectors="")
    assert plain == RECIPE, "without feedback, the base alone"
    write_whole(job.texts("train"), '{"text": "Good.", "label": "positive"}\n')
    one = challenger_recipe(RECIPE, job, labels=(), repeat=1, vectors="")
    assert one.data.train == (
        *RECIPE.data.train,
        Source(file=str(job.texts("train")), format="jsonl"),
    )
    assert one.audit == RECIPE.audit
    three = challenger_recipe(RECIPE, job, labels=(), repeat=3, vectors="")
    assert (three.data.train[-1].repeat, three.audit.allow) == (3, ("duplicates",))


WORDS = ("<pad>", "<unk>", "soup", "naïve", "a b", "tea")


def version(folder: Path, **tensors: torch.Tensor) -> Path:
    folder.mkdir()
    save_file({name.replace("__", "."): held for name, held in tensors.items()},
              folder / "network.safetensors")  # fmt: skip
    (folder / "vocabulary.txt").write_text("".join(f"{w}\n" for w in WORDS), encoding="utf-8")
    return folder


def test_the_static_table_gives_the_vectors_that_training_started_from(tmp_path: Path) -> None:
    """In half precision and back, bit for bit; zero rows had no vector, and specials have none."""
    static = torch.randn(6, 8, generator=torch.Generator().manual_seed(1)).half()
    static[3] = 0.0
    tensors = {"embeddings__static": static, "embeddings__learnt__weight": torch.ones(4, 8)}
    folder, path = version(tmp_path / "champion", **tensors), tmp_path / "vectors.txt"
    assert write_champion_vectors(folder, path) == "embeddings.static"
    found = load_vectors(str(path))
    assert found.words == ("soup", "tea")
    assert count_words(path) == 2
    assert (torch.from_numpy(found.matrix).half() == static[[2, 5]]).all()


def test_without_a_static_table_the_learnt_one_serves(tmp_path: Path) -> None:
    learnt = torch.randn(4, 8, generator=torch.Generator().manual_seed(2))
    folder = version(tmp_path / "champion", encoder__embeddings__learnt__weight=learnt)
    name = write_champion_vectors(folder, tmp_path / "vectors.txt")
    assert name == "encoder.embeddings.learnt.weight"
    found = load_vectors(str(tmp_path / "vectors.txt"))
    assert found.words == ("soup", "naïve")
    np.testing.assert_allclose(found.matrix, learnt[2:].numpy(), rtol=1e-5)


def test_a_champion_without_word_vectors_has_none_to_give(tmp_path: Path) -> None:
    folder = version(tmp_path / "champion", heads__weight=torch.ones(2, 2))
    with pytest.raises(DataError, match="no table of word vectors"):
        write_champion_vectors(folder, tmp_path / "vectors.txt")


def test_where_vectors_come_from(tmp_path: Path) -> None:
    (tmp_path / "here.txt").write_text("x 1 2\n", encoding="utf-8")
    of = {"": "", "glove.6B.50d": "recipe", str(tmp_path / "here.txt"): "recipe"}
    of["elsewhere/absent.txt"] = "champion"
    for vectors, expected in of.items():
        assert vectors_from(replace(RECIPE, text=Text(vectors=vectors))) == expected


def test_all_words_of_the_champions_file_join_the_vocabulary_where_the_recipe_has_such(
    tmp_path: Path,
) -> None:
    job = Job(tmp_path)
    job.vectors.write_text("3 2\na 1 2\nb 3 4\nc 5 6\n", encoding="utf-8")
    for before, after in ((0, 0), (20000, 3)):
        recipe = replace(RECIPE, text=Text(vectors="absent.txt", vector_words=before))
        made = challenger_recipe(recipe, job, labels=(), repeat=1, vectors="champion")
        assert (made.text.vectors, made.text.vector_words) == (str(job.vectors), after)


def test_a_record_appears_whole_and_for_the_owner_alone(tmp_path: Path) -> None:
    job = Job(tmp_path / "job")
    assert job.record("plan") is None
    assert job.once("plan", lambda: {"n": 1}) == {"n": 1}
    assert job.once("plan", lambda: {"n": 2}) == {"n": 1}
    assert (job.path / "plan.json").stat().st_mode & 0o777 == 0o600
    assert not job.over
    with pytest.raises(ValueError, match="Out of range"):
        job.once("gate", lambda: {"n": float("nan")})
    assert job.record("gate") is None
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1}) != key_of({"a": 1})
