"""`valence train | evaluate | audit | vectors`, as typed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_runs import (
    bytes_of,
    command,
    exit_code,
    reviews,
    sentiment_recipe,
    start,
    tagging_recipe,
    write_csv,
)
from typer.testing import CliRunner, Result

from model_store import Store, open_store
from nlp.model import MANIFEST, Model
from training.run_folder import RunFolder
from training.stored import same_figures
from valence import app

pytestmark = pytest.mark.usefixtures("one_thread")

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Workplace:
    """A recipe, a folder for runs, and a store."""

    recipe: Path
    runs: Path
    store: Path

    @classmethod
    def at(cls, folder: Path) -> "Workplace":
        return cls(sentiment_recipe(folder), folder / "runs", folder / "store")

    def train(self, *options: str) -> Result:
        return invoke("train", self.recipe, *self.options, *options)

    @property
    def options(self) -> list[str]:
        return ["--runs", str(self.runs), "--store", str(self.store), "--device", "cpu"]

    def evaluate(self, reference: str, *options: str) -> Result:
        return invoke("evaluate", reference, "--store", self.store, *options)

    def opened(self) -> Store:
        return open_store(self.store, create=False)

    def only_run(self) -> RunFolder:
        (path,) = self.runs.iterdir()
        return RunFolder.open(path)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(result: Result, *, status: int = 1) -> str:
    """What stderr says of a command that was refused, not broken."""
    assert result.exit_code == status, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return str(result.stderr)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Two epochs, published as tiny@1 and promoted."""
    place = Workplace.at(tmp_path_factory.mktemp("trained"))
    result = place.train("--set", "training.epochs=2", "--set", "seed=5", "--promote")
    assert result.exit_code == 0, result.output
    (place.runs.parent / "said.txt").write_text(result.stdout)
    return place


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace.at(tmp_path)


@pytest.fixture
def copied(trained: Workplace, tmp_path: Path) -> Workplace:
    """The trained one's runs and store, to be changed at will."""
    for folder in ("runs", "store"):
        shutil.copytree(trained.runs.parent / folder, tmp_path / folder)
    return Workplace(trained.recipe, tmp_path / "runs", tmp_path / "store")


def test_train_publish_promote(trained: Workplace) -> None:
    said = (trained.runs.parent / "said.txt").read_text()
    assert f"run folder: {trained.only_run().path}" in said
    assert "sentiment: accuracy " in said
    assert said.endswith("published tiny@1\npromoted: tiny@champion is tiny@1\n")
    champion = trained.opened().resolve("tiny")
    assert champion.reference == "tiny@1"
    manifest = trained.opened().manifest("tiny", 1).raw
    assert manifest["recipe"]["training"]["epochs"] == 2
    assert manifest["recipe"]["seed"] == 5
    assert manifest["scored_on"] == "test"
    assert manifest["scores"]["layers"]["sentiment"]["items"] == 20
    assert set(manifest["data"]["sources"]) == {"train", "dev", "test"}


def test_the_stored_version_answers(trained: Workplace, tmp_path: Path) -> None:
    folder = trained.opened().materialise("tiny", 1, tmp_path)
    answer = Model.load(folder).answer(["A dull book, and rude too."])[0].to_dict()
    assert answer["label"] in ("negative", "positive")
    assert sum(answer["scores"].values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("training.epoch=3", "training.epoch: unknown key; did you mean 'epochs'?"),
        ("training.epochs=many", "training.epochs: "),
        ("network.sizes.hidden=8", "has no size ['hidden']"),
        ("network.architecture=textcmm", "unknown architecture 'textcmm'"),
        ("network.sizes.channels=both", "unknown channels 'both'"),
        ("data.test=[\"nowhere.csv\"]", "there is no data file 'nowhere.csv'"),
        ("text.vectors=nowhere.txt", "nowhere.txt"),
        ("publish.tolerance=1e-12", "torch and ONNX differ by"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_publishes_nothing(
    setting: str, said: str, place: Workplace
) -> None:
    result = place.train("--set", "training.epochs=1", "--set", setting)
    message = refused(result).splitlines()[-1]
    assert message.startswith("valence: ")
    assert said in message
    assert not place.store.exists()


def test_an_unknown_recipe_names_the_known_ones(place: Workplace) -> None:
    said = refused(invoke("train", "sentimental", *place.options))
    assert said.startswith("valence: no shipped recipe is named 'sentimental'")
    assert not place.runs.exists()


def test_an_unknown_device_is_wrong_usage(place: Workplace) -> None:
    said = refused(invoke("train", place.recipe, "--device", "abacus"), status=2)
    assert "--device must be auto, cpu or cuda" in said


def test_bad_data_is_refused_by_file_and_line(place: Workplace) -> None:
    with (place.recipe.parent / "train.csv").open("a") as file:
        file.write("one column only\n")
    said = refused(place.train())
    assert "valence: 1 malformed line (" in said
    assert "train.csv:50: " in said
    assert "one column only" not in said, "texts of users stay out of messages"
    assert not place.store.exists()


def test_leaks_are_refused(place: Workplace) -> None:
    """Half of the test split stands in training."""
    leaked = [*reviews(10, 1), *reviews(5, 3)]
    write_csv(place.recipe.parent / "test.csv", leaked)
    assert "the data did not pass the audit" in refused(place.train())
    assert not place.store.exists()
    found = invoke("audit", place.recipe)
    assert "leaks in train+test: 20 of 30 (66.67%)" in found.stdout
    assert "leaks in train+test: 20 of 30 (66.67%" in refused(found)
    allowed = invoke("audit", place.recipe, "--set", 'audit.allow=["leaks"]')
    assert allowed.exit_code == 0
    assert "leaks in train+test: 20 of 30 (66.67%)" in allowed.stdout


def test_an_audit_prints_every_check(place: Workplace) -> None:
    result = invoke("audit", place.recipe)
    assert result.exit_code == 0
    checks = [line.split(":")[0] for line in result.stdout.splitlines()]
    splits = ("train", "dev", "test")
    assert checks == [
        *(f"{check} in {split}" for split in splits for check in ("duplicates", "conflicts")),
        *(f"leaks in {pair}" for pair in ("train+dev", "train+test", "dev+test")),
    ]


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_evaluate_prints_the_manifests_figures(trained: Workplace, runtime: str) -> None:
    result = trained.evaluate("tiny@champion", "--runtime", runtime)
    assert result.exit_code == 0, result.output
    figures, verdict = result.stdout.splitlines()
    assert verdict == "the same figures as the manifest's"
    said = (trained.runs.parent / "said.txt").read_text()
    assert figures in said, "and as training printed"


def test_evaluate_as_json(trained: Workplace) -> None:
    result = trained.evaluate("tiny@1", "--json")
    assert result.stderr == "the same figures as the manifest's\n"
    promised = trained.opened().manifest("tiny", 1).raw["scores"]
    assert same_figures(promised, json.loads(result.stdout))


def test_evaluate_notices_other_figures(copied: Workplace) -> None:
    folder = copied.only_run().version
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["scores"]["layers"]["sentiment"]["accuracy"] += 0.01
    (folder / MANIFEST).write_text(json.dumps(manifest))
    copied.opened().publish("tiny", folder)
    result = copied.evaluate("tiny@2")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "OTHER figures than the manifest's"
    assert copied.evaluate("tiny@1").exit_code == 0


def test_evaluate_on_other_data(trained: Workplace, tmp_path: Path) -> None:
    """A file or dev: there is nothing in the manifest to compare with."""
    write_csv(tmp_path / "mine.csv", reviews(6, 9))
    for data, items in ((str(tmp_path / "mine.csv"), 12), ("dev", 16)):
        result = trained.evaluate("tiny", "--data", data)
        assert result.exit_code == 0, result.output
        assert f", {items} items" in result.stdout
        assert "figures" not in result.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("tiny@7",), "tiny has no version 7"),
        (("tiny@nobody",), "tiny has no alias 'nobody'"),
        (("tiny", "--data", "absent.csv"), "there is no data file 'absent.csv'"),
        (("tiny", "--runtime", "abacus"), "there is no runtime 'abacus'; known: onnx, torch"),
    ],
)
def test_evaluate_refuses(trained: Workplace, options: tuple[str, ...], said: str) -> None:
    assert said in refused(trained.evaluate(*options))


def test_evaluate_on_labels_the_model_never_heard_of(trained: Workplace, tmp_path: Path) -> None:
    write_csv(tmp_path / "stars.csv", [("Lovely soup.", "5"), ("Cold soup.", "1")])
    said = refused(trained.evaluate("tiny", "--data", str(tmp_path / "stars.csv")))
    assert "knows none of the labels 1, 5; it knows negative, positive" in said


@pytest.mark.parametrize(
    ("promised", "found", "same"),
    [
        ({"a": [1, 0.5, None]}, {"a": (1, 0.50001, None)}, True),
        ({"a": 0.5}, {"a": 0.501}, False),
        ({"a": 3}, {"a": 4}, False),
        ({"a": 1}, {"b": 1}, False),
        ([1, 2], [1, 2, 3], False),
        ({"a": None}, {"a": 0.0}, False),
        ({"a": float("nan")}, {"a": float("nan")}, False),
        ("x", "x", True),
    ],
)
def test_same_figures(promised: object, found: object, same: bool) -> None:
    assert same_figures(promised, found) is same


def test_a_finished_run_is_published_once(copied: Workplace) -> None:
    run, before = copied.only_run(), bytes_of(copied.store)
    result = copied.train("--resume", str(run.path))
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-2] == "this run is tiny@1 already"
    assert bytes_of(copied.store) == before


def test_a_run_folder_is_gone_on_with_by_the_same_command(
    copied: Workplace, tmp_path: Path
) -> None:
    recipe = ("--set", "training.epochs=2", "--set", "seed=5")
    run = str(copied.only_run().path)
    result = copied.train(*recipe, "--run-folder", run)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-2] == "this run is tiny@1 already"
    said = refused(copied.train("--set", "seed=6", "--run-folder", run))
    assert "is a run of another recipe" in said
    refused(copied.train("--run-folder", str(tmp_path / "new"), "--resume", run), status=2)
    assert not (tmp_path / "new").exists()


def test_the_users_own_store_gets_the_starters_first(
    copied: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VALENCE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("VALENCE_STORE", raising=False)
    run = copied.only_run().path
    result = invoke("train", copied.recipe, "--resume", run, "--device", "cpu")
    assert result.exit_code == 0, result.output
    own = open_store(tmp_path / "home" / "store", create=False)
    assert set(own.names()) == {"aspect-terms", "aspects", "sentiment", "tags", "tiny"}
    assert own.resolve("sentiment").reference == "sentiment@1"


def test_what_cannot_be_resumed(trained: Workplace, tmp_path: Path) -> None:
    run = str(trained.only_run().path)
    said = refused(trained.train("--resume", run, "--set", "seed=6"))
    assert "a resumed run keeps its own recipe: leave out --set" in said
    assert "is no run" in refused(trained.train("--resume", str(tmp_path)))
    other = tagging_recipe(tmp_path)
    said = refused(invoke("train", other, *trained.options, "--resume", run))
    assert "is a run of tiny, not of tinytags" in said


def test_killed_from_outside_and_resumed(place: Workplace, trained: Workplace) -> None:
    """The command line itself, killed in its second epoch by somebody else."""
    settings = ["--set", "training.epochs=2", "--set", "seed=5"]
    arguments = ["train", str(place.recipe), *place.options, *settings]
    child = start(command, arguments, place.runs.parent / "log.txt")
    while not any(_reached(path, step=24) for path in place.runs.glob("*/metrics.jsonl")):
        assert child.is_alive()
        time.sleep(0.001)
    os.kill(child.pid or 0, signal.SIGKILL)
    assert exit_code(child) == -signal.SIGKILL
    run = place.only_run()
    assert not run.version.exists()
    result = place.train("--resume", str(run.path))
    assert result.exit_code == 0, result.output
    assert run.trained.read_bytes() == trained.only_run().trained.read_bytes()
    assert place.opened().versions("tiny") == [1]


def _reached(metrics: Path, *, step: int) -> bool:
    """Whether the rows speak of that step yet."""
    return f'"step": {step},' in metrics.read_text()


def test_vectors_and_a_recipe_that_reads_them(place: Workplace, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(text + "\n" for text, _ in reviews(60, 7)))
    result = invoke(
        *("vectors", tmp_path / "vectors.txt", "--source", texts, "--source"),
        *(place.recipe.parent / "train.csv", "--dimensions", "8", "--epochs", "2"),
    )
    assert result.exit_code == 0, result.output
    header, first = (tmp_path / "vectors.txt").read_text().splitlines()[:2]
    assert result.stdout.startswith(f"{tmp_path / 'vectors.txt'}: {header.split()[0]} words from ")
    assert len(first.split()) == 9
    wrong = place.train(
        *("--set", f"text.vectors={tmp_path / 'vectors.txt'}"),
        *("--set", "network.sizes.dimensions=9", "--set", "network.sizes.channels=static"),
    )
    message = "network.sizes.dimensions: must be 8, as the vectors are, and is 9"
    assert message in refused(wrong)


def test_vectors_of_nothing(tmp_path: Path) -> None:
    said = refused(invoke("vectors", tmp_path / "v.txt", "--source", tmp_path / "absent.txt"))
    assert "there is no data file" in said
    assert not (tmp_path / "v.txt").exists()


def test_two_processes_train_one_version(place: Workplace) -> None:
    """torchrun on two CPU processes: one run folder, one version, and it has learnt as well."""
    settings = ["--set", "training.epochs=6", "--set", "training.patience=6"]
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "valence"]
    arguments = ["train", str(place.recipe), *place.options, *settings]
    result = subprocess.run(
        [sys.executable, "-m", *torchrun, *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("published tiny@1") == 1
    run = place.only_run()
    assert result.stdout.count(f"run folder: {run.path}") == 1
    assert place.opened().versions("tiny") == [1]
    rows = run.metrics()
    assert {row["steps"] for row in rows} == {12 * 6}, "half as many steps, each of two batches"
    epochs = [row["epoch"] for row in rows if "dev_loss" in row]
    assert epochs == [1, 2, 3, 4, 5, 6]
    assert max(row["dev_accuracy"] for row in rows if "dev_accuracy" in row) >= 0.8
    assert not list(run.path.rglob("*.bin"))
