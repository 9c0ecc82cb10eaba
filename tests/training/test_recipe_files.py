"""Recipes as files, and what --set lays over them."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.errors import RecipeError
from training.recipe_files import apply_overrides, load_recipe, shipped_recipes

TEXT = """
name = "moods"
task = "sentiment"
[data]
train = ["sst2:train"]
dev = {split_from_train = 0.1}
[network]
architecture = "textcnn"
[network.sizes]
filters = 100
"""

keys = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
values = st.one_of(
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.integers(-9, 9), max_size=4),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "moods.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def as_toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)


@given(st.lists(keys, min_size=1, max_size=4), values)
def test_a_value_set_is_the_value_found(path: list[str], value: object) -> None:
    found: Any = apply_overrides({}, [f"{'.'.join(path)}={as_toml(value)}"])
    for key in path:
        assert list(found) == [key]
        found = found[key]
    assert found == value
    assert type(found) is type(value)


@given(st.dictionaries(keys, values, min_size=1), keys, values)
def test_other_keys_stay_as_they_were(raw: dict[str, Any], key: str, value: object) -> None:
    before = dict(raw)
    after = apply_overrides(raw, [f"{key}={as_toml(value)}"])
    assert raw == before
    assert {k: v for k, v in after.items() if k != key} == {
        k: v for k, v in raw.items() if k != key
    }


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("a=glove.6B.50d", "glove.6B.50d"),
        ("a=two words", "two words"),
        ('a="3"', "3"),
        ("a=", ""),
        ("a=x=y", "x=y"),
        ('a={b = ["c"]}', {"b": ["c"]}),
        ("a=1\nb=2", "1\nb=2"),
    ],
)
def test_what_is_no_toml_is_a_string(override: str, value: object) -> None:
    assert apply_overrides({}, [override]) == {"a": value}


def test_a_quoted_key_may_hold_dots_and_later_overrides_win() -> None:
    assert apply_overrides({}, ['a."b.c"=1', 'a."b.c"=2']) == {"a": {"b.c": 2}}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs", "expected dotted.key=value"),
        ("a..b=1", "'a..b' is no dotted key"),
        ("=1", "'' is no dotted key"),
        ("a=1\nb=2=3", ""),
        ("x\ny=3", "is no dotted key"),
        ("#a=1", "'#a' is no dotted key"),
        ("data.train.0=1", "train: is no table"),
    ],
)
def test_a_wrong_override_is_refused(override: str, message: str) -> None:
    raw = tomllib.loads(TEXT)
    if not message:
        assert apply_overrides(raw, [override])["a"] == "1\nb=2=3"
        return
    with pytest.raises(RecipeError) as caught:
        apply_overrides(raw, [override])
    assert message in str(caught.value)


def test_a_file_is_loaded_with_overrides_over_it(file: Path) -> None:
    recipe = load_recipe(file, ["network.sizes.filters=50", "training.epochs=3", "seed=7"])
    assert recipe.network.sizes == {"filters": 50}
    assert (recipe.training.epochs, recipe.seed) == (3, 7)
    assert load_recipe(str(file)).network.sizes == {"filters": 100}


def test_overrides_are_checked_like_the_file(file: Path) -> None:
    with pytest.raises(RecipeError, match=r"training\.epochs: must be at least 1, and is 0"):
        load_recipe(file, ["training.epochs=0"])


def test_an_absent_file_and_no_toml_are_said(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there is no recipe file"):
        load_recipe(tmp_path / "none.toml")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("name = ", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"wrong\.toml is no TOML"):
        load_recipe(wrong)
    wrong.write_bytes(b"name = '\xff'")
    with pytest.raises(RecipeError, match=r"wrong\.toml is no TOML"):
        load_recipe(wrong)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(RecipeError, match="no shipped recipe is named 'no-such-recipe'"):
        load_recipe("no-such-recipe")


def test_every_shipped_recipe_loads() -> None:
    for name in shipped_recipes():
        assert load_recipe(name).network.architecture
