"""`valence data`, as typed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from training.catalogue import DATASETS
from valence import app


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", *map(str, arguments)], env={"COLUMNS": "160"})


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.csv").write_text(
        "text,label\nWarm soup.,positive\nwarm soup,negative\nCold tea.,negative\nFine.,neutral\n",
        encoding="utf-8",
    )
    (tmp_path / "two.txt").write_text("COLD TEA\nNew words\n", encoding="utf-8")
    return ["one.csv", "two.txt"]


def test_two_files_are_compared_in_tables(own: list[str]) -> None:
    result = invoke("audit", *own)
    assert result.exit_code == 0, result.output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.output.splitlines()]
    figures = [row[1:] for row in rows if row and row[0] == "one.csv"]
    assert figures[0] == ["4", "3", "1", "2"]
    assert figures[1][1:] == ["1", "33.3%", "50.0%", "-"]
    assert "soup" not in result.output


def test_the_same_as_json(own: list[str]) -> None:
    result = invoke("audit", "--json", *own, own[0])
    document = json.loads(result.stdout)
    assert [source["texts"] for source in document["sources"]] == [3, 2]
    (pair,) = document["pairs"]
    assert (pair["shared"], pair["of_second"], pair["conflicts"]) == (1, 0.5, None)
    assert json.loads(invoke("audit", "--json", "--least", "0.6", *own).stdout)["pairs"] == []


def test_without_sources_all_that_the_folder_holds_is_read(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("sst", "mr"):
        (tmp_path / folder).mkdir()
    for file in ("sst/stsa.binary.test", "mr/rt-polarity.all", "sst/stsa.binary.dev"):
        (tmp_path / file).symlink_to(data / file)
    monkeypatch.setenv("VALENCE_DATA", str(tmp_path))
    document = json.loads(invoke("audit", "--json").stdout)
    assert [s["source"] for s in document["sources"]] == ["sst2:dev", "sst2:test", "mr:all"]
    pairs = {(pair["first"], pair["second"]): pair for pair in document["pairs"]}
    assert set(pairs) == {("sst2:dev", "mr:all"), ("sst2:test", "mr:all")}
    assert pairs["sst2:test", "mr:all"]["of_first"] > 0.79
    assert "imdb:train" in document["absent"]
    table = invoke("audit")
    assert "82.2%" in table.output
    assert "not in the data folder: sst2:train" in table.output


def test_a_source_that_is_absent_is_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VALENCE_DATA", raising=False)
    result = invoke("audit", "sst9:test")
    assert result.exit_code == 1
    assert "valence: there is no data set 'sst9'; did you mean" in result.output
    assert invoke("audit").exit_code == 1
    assert invoke("audit", "--least", "2").exit_code == 2


def test_every_data_set_is_listed_with_and_without_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VALENCE_DATA", raising=False)
    rows = {row["name"]: row for row in json.loads(invoke("list", "--json").stdout)}
    assert set(rows) == set(DATASETS)
    assert rows["mr"]["absent"] == rows["mr"]["splits"] == ["all"]
    (tmp_path / "mr").mkdir()
    (tmp_path / "mr" / "rt-polarity.all").touch()
    monkeypatch.setenv("VALENCE_DATA", str(tmp_path))
    rows = {row["name"]: row for row in json.loads(invoke("list", "--json").stdout)}
    assert rows["mr"]["absent"] == []
    shown = invoke("list").output
    assert all(name in shown for name in DATASETS)
