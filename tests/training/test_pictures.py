"""The pictures are PNG files of a sensible size, and show what they were given."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.image as images
import numpy as np
import pytest
from numpy.typing import NDArray

from training.calibration import Calibration, fit_temperature
from training.errors import ScoreError
from training.pictures import draw_confusion, draw_curves, draw_reliability
from training.scores import Scores, score_labels

HISTORY: list[dict[str, float]] = [
    {"epoch": 0.5, "loss": 0.7},
    {"epoch": 1.0, "loss": 0.5, "dev_loss": 0.6, "accuracy": 0.7},
    {"epoch": 2.0, "loss": 0.3, "dev_loss": 0.5, "accuracy": 0.8},
    {"epoch": 3.0, "loss": 0.2, "dev_loss": 0.6, "accuracy": 0.75},
    {"step": 9},
]


def scores(size: int) -> Scores:
    labels = [f"class {i}" for i in range(size)]
    generator = np.random.default_rng(0)
    gold = [labels[i] for i in generator.integers(size, size=300)]
    predicted = [g if generator.random() < 0.7 else labels[0] for g in gold]
    return score_labels(gold, predicted, labels=labels)


def calibration() -> Calibration:
    generator = np.random.default_rng(0)
    return fit_temperature(generator.normal(size=(200, 2)) * 4, generator.integers(2, size=200))


def pixels(path: Path) -> NDArray[np.float32]:
    assert path.read_bytes().startswith(b"\x89PNG")
    return np.asarray(images.imread(path))


def has_colour(picture: NDArray[np.float32], code: str) -> bool:
    wanted = np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return bool((np.abs(picture[..., :3] - wanted).max(axis=-1) < 0.01).any())


@pytest.mark.parametrize(
    "draw",
    [
        lambda path: draw_curves(HISTORY, path, score="accuracy"),
        lambda path: draw_confusion(scores(2), path),
        lambda path: draw_confusion(scores(12), path),
        lambda path: draw_confusion(scores(30), path),
        lambda path: draw_reliability(calibration(), path),
    ],
)
def test_a_picture_is_written_where_asked(tmp_path: Path, draw: Callable[[Path], None]) -> None:
    draw(tmp_path / "folder" / "one.png")
    height, width, _ = pixels(tmp_path / "folder" / "one.png").shape
    assert 300 < height < 2500
    assert 300 < width < 2500


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        draw_confusion(scores(2), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_only_the_lines_that_there_are_are_drawn(tmp_path: Path) -> None:
    draw_curves(HISTORY, tmp_path / "all.png", score="accuracy")
    draw_curves(HISTORY[:1], tmp_path / "one.png", score="accuracy")
    whole, one = pixels(tmp_path / "all.png"), pixels(tmp_path / "one.png")
    for colour in ("#0072B2", "#D55E00", "#009E73"):
        assert has_colour(whole, colour)
    assert has_colour(one, "#0072B2")
    assert not has_colour(one, "#D55E00")
    assert not has_colour(one, "#009E73")


def test_a_perfect_matrix_is_dark_on_its_diagonal_alone(tmp_path: Path) -> None:
    labels = ["a", "b"]
    draw_confusion(score_labels(labels, labels, labels=labels), tmp_path / "two.png")
    picture = pixels(tmp_path / "two.png")
    assert has_colour(picture, "#08306b")
    assert has_colour(picture, "#f7fbff")


def test_no_epoch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="there is no epoch"):
        draw_curves([{"step": 1}], tmp_path / "one.png", score="accuracy")


def test_no_global_state_is_touched(tmp_path: Path) -> None:
    import sys

    draw_confusion(scores(2), tmp_path / "one.png")
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
