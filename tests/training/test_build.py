"""The builder: types, ranges, names and paths."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest

from training.build import Between, build, describe, to_plain
from training.errors import RecipeError


@dataclass(frozen=True, slots=True)
class Wheel:
    spokes: Annotated[int, Between(least=1, most=64)]
    tyre: str = "plain"

    @classmethod
    def from_text(cls, text: str, path: str = "") -> "Wheel":
        if not text.isdigit():
            raise RecipeError("no number of spokes", path=path)
        return cls(int(text))


@dataclass(frozen=True, slots=True)
class Brake:
    force: Annotated[float, Between(above=0)]


@dataclass(frozen=True, slots=True)
class Bicycle:
    wheels: tuple[Wheel, ...]
    brake: Brake | None = None
    colour: Literal["red", "blue"] = "red"
    folds: bool = False
    parts: Mapping[str, int | list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.wheels) > 2:
            raise RecipeError("a bicycle has two wheels", path="wheels")


@dataclass(frozen=True, slots=True)
class Shed:
    bicycle: Bicycle


def test_builds_nested_dataclasses_and_goes_back_to_the_same_plain_values() -> None:
    raw = {"wheels": ["32", {"spokes": 28, "tyre": "knobbly"}], "brake": {"force": 2}}
    bicycle = build(Bicycle, raw)
    assert bicycle == Bicycle((Wheel(32), Wheel(28, "knobbly")), Brake(2.0))
    assert isinstance(bicycle.brake, Brake)
    assert isinstance(bicycle.brake.force, float)
    plain = to_plain(bicycle)
    assert plain == {
        "wheels": [{"spokes": 32, "tyre": "plain"}, {"spokes": 28, "tyre": "knobbly"}],
        "brake": {"force": 2.0},
        "colour": "red",
        "folds": False,
        "parts": {},
    }
    assert build(Bicycle, plain) == bicycle


def test_lists_in_a_mapping_stay_lists_as_json_has_them() -> None:
    raw = {"wheels": [], "parts": {"gears": [1, 2, 3], "bells": 1}}
    assert build(Bicycle, raw).parts == {"gears": [1, 2, 3], "bells": 1}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"wheals": []}, "bicycle.wheals: unknown key; did you mean 'wheels'?"),
        ({"wheels": [], "zzz": 1}, "bicycle.zzz: unknown key; known: wheels, brake, colour"),
        ({}, "bicycle.wheels: is missing; expected a list"),
        ({"wheels": 2}, "bicycle.wheels: expected a list, found a whole number (2)"),
        ({"wheels": ["x"]}, "bicycle.wheels[0]: no number of spokes"),
        ({"wheels": [2.5]}, "bicycle.wheels[0]: expected a string or a table, found a number"),
        (
            {"wheels": [{"spokes": 0}]},
            "bicycle.wheels[0].spokes: must be at least 1 and at most 64",
        ),
        ({"wheels": [{"spokes": True}]}, "bicycle.wheels[0].spokes: expected a whole number"),
        ({"wheels": [{}]}, "spokes: is missing; expected a whole number at least 1 and at most 64"),
        ({"wheels": [], "brake": {"force": 0.0}}, "bicycle.brake.force: must be above 0, and is 0"),
        ({"wheels": [], "brake": {"force": float("nan")}}, "force: must be a finite number"),
        ({"wheels": [], "brake": "hard"}, "brake: expected a table or nothing, found a string"),
        ({"wheels": [], "colour": "green"}, "colour: must be one of 'red', 'blue', and is 'green'"),
        ({"wheels": [], "folds": 1}, "bicycle.folds: expected true or false, found a whole number"),
        ({"wheels": [], "parts": 3}, "bicycle.parts: expected a table, found a whole number (3)"),
        ({"wheels": [], "parts": {"bell": "x"}}, "parts.bell: expected a whole number or a list"),
        (
            {"wheels": [], "parts": {"bell": {}}},
            "parts.bell: expected a whole number or a list, fou",
        ),
        ({"wheels": ["1", "2", "3"]}, "bicycle.wheels: a bicycle has two wheels"),
        ([], "bicycle: expected a table, found a list"),
    ],
)
def test_an_error_names_the_path_and_what_was_expected(raw: object, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        build(Shed, {"bicycle": raw})
    assert message in str(caught.value)


def test_a_bound_is_said_in_words() -> None:
    assert describe(Annotated[float, Between(least=0)]) == "a number at least 0"
    assert describe(Annotated[float, Between(most=1)]) == "a number at most 1"
    assert describe(int | str) == "a whole number or a string"
