"""The audit across data sets against sets of keys, and on the real ones."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.tasks.base import Example
from training.audit import example_key
from training.errors import DataError
from training.overlap import fingerprint, of_examples, overlap, overlaps, present_sources
from training.readers.labelled import UNLABELLED

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["Good film", "good film!", "Bad", "bad ...", "so so"]),
        st.sampled_from(["positive", "negative"]),
    ),
    max_size=10,
)


def examples(rows: list[tuple[str, str]]) -> list[Example]:
    return [Example(text, label) for text, label in rows]


@given(ROWS, ROWS)
def test_counts_equal_those_of_sets_of_keys(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    ours, theirs = examples(one), examples(other)
    keys = [{example_key(example) for example in rows} for rows in (ours, theirs)]
    first, second = of_examples("a", ours), of_examples("b", theirs)
    found = overlap(first, second)
    both = keys[0] & keys[1]
    assert (first.examples, len(first.texts)) == (len(ours), len(keys[0]))
    assert first.duplicates == len(ours) - len(keys[0])
    assert found.shared == len(both)
    assert found.of_first == (len(both) / len(keys[0]) if keys[0] else 0)
    assert found.of_second == (len(both) / len(keys[1]) if keys[1] else 0)
    firsts = [{example_key(e): e.gold for e in reversed(rows)} for rows in (ours, theirs)]
    torn = sum(firsts[0][key] != firsts[1][key] for key in both)
    alike = {e.gold for e in ours} & {e.gold for e in theirs}
    assert found.conflicts == (torn if alike else None)


def test_labels_are_compared_only_where_the_sets_have_one_in_common() -> None:
    moods = of_examples("a", examples([("Warm soup", "positive"), ("Cold tea", "negative")]))
    other = of_examples("b", examples([("warm soup", "negative")]))
    views = of_examples("c", examples([("warm soup", "subjective")]))
    bare = of_examples("d", examples([("warm soup", UNLABELLED)]))
    assert overlap(moods, other).conflicts == 1
    assert overlap(moods, views).conflicts is None
    assert overlap(moods, bare).conflicts is None
    assert moods.conflicts == 0
    assert of_examples("e", examples([("Tea", "positive"), ("tea", "negative")])).conflicts == 2


def test_short_tagged_sentences_recur_and_are_not_counted() -> None:
    def tagged(words: str) -> Example:
        split = tuple(words.split())
        return Example(split, (("X",) * len(split),))

    first = of_examples("a", [tagged("Thank you ."), tagged("We left the house .")])
    second = of_examples("b", [tagged("thank you ."), tagged("we left the house .")])
    assert overlap(first, second).shared == 1


def test_a_fingerprint_holds_no_text() -> None:
    made = of_examples("a", examples([("Warm soup", "positive")]))
    assert "soup" not in repr(made).lower()
    assert made.to_dict() == {
        "source": "a",
        "examples": 1,
        "texts": 1,
        "duplicates": 0,
        "conflicts": 0,
    }


def test_pairs_below_the_share_and_splits_of_one_file_are_passed_over() -> None:
    warm, tea = ("Warm soup", "positive"), ("Cold tea", "negative")
    one, both = examples([warm]), examples([warm, tea])
    prints = [of_examples("a", one), of_examples("b", both), of_examples("c", examples([tea]))]
    assert [(o.first.name, o.second.name) for o in overlaps(prints, least=0.5)] == [
        ("a", "b"),
        ("b", "c"),
    ]
    assert len(list(overlaps(prints))) == 3
    cut = [of_examples(f"semeval14_laptops:{split}", one) for split in ("train", "all_train")]
    apart = of_examples("semeval14_laptops:test", one)
    assert [o.second.name for o in overlaps([*cut, apart])] == ["semeval14_laptops:test"] * 2


def test_present_sources_are_those_whose_files_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VALENCE_DATA", str(tmp_path))
    (tmp_path / "mr").mkdir()
    (tmp_path / "mr" / "rt-polarity.all").touch()
    present, absent = present_sources()
    assert present == ["mr:all"]
    assert {"sst2:test", "imdb:unsup", "ptb:train"} <= set(absent)
    monkeypatch.delenv("VALENCE_DATA")
    with pytest.raises(DataError, match="VALENCE_DATA is not set"):
        present_sources()


def test_sst2s_test_sentences_stand_in_mr(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,431 (79 %) do as the files have them, 1,496 with their escapes (-lrb-, \\/) undone."""
    monkeypatch.setenv("VALENCE_DATA", str(data))
    found = overlap(fingerprint("sst2:test"), fingerprint("mr:all"))
    assert found.shared == 1_496
    assert found.of_first > 0.79
    assert found.of_second == pytest.approx(1_496 / 10_660)
    assert found.conflicts is not None
    assert 0 < found.conflicts < 0.05 * found.shared
