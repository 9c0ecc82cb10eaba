"""The three-line form: places, sentences put together again, samples that cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import judged, read

from nlp.tasks.base import AspectItem
from training.readers.three_lines import ThreeLines

SOUND = """The $T$ was warm but the bread was not .
soup
1
The soup was warm but the $T$ was not .
bread
-1

$T$ by post .
The bill
0
"""


def test_samples_of_one_sentence_become_one_example() -> None:
    examples, bad = read(ThreeLines(), SOUND)
    assert bad == []
    assert [example.source for example in examples] == ["a.txt:1", "a.txt:8"]
    assert judged(examples[0]) == [("soup", 4, 8, "positive"), ("bread", 26, 31, "negative")]
    assert judged(examples[1]) == [("The bill", 0, 8, "neutral")]
    assert examples[1].item.text == "The bill by post ."  # type: ignore[union-attr]


def test_labels_of_ones_own_may_leave_aspects_out() -> None:
    examples, _ = read(ThreeLines({"1": "good", "-1": "bad", "0": ""}), SOUND)
    assert [judged(example) for example in examples] == [
        [("soup", 4, 8, "good"), ("bread", 26, 31, "bad")],
        [],
    ]


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        ("no place here\nsoup\n1", "4: the sentence holds $T$ 0 times, not once"),
        ("$T$ and $T$\nsoup\n1", "4: the sentence holds $T$ 2 times, not once"),
        ("$T$ again\nsoup\n2", "4: the label is none of '1', '-1', '0'"),
        ("$T$ again\nsoup", "4: 2 of the three lines: sentence, term, label"),
        ("$T$ again\n\n1", "4: 2 of the three lines: sentence, term, label"),
        ("stray", "4: 1 of the three lines: sentence, term, label"),
    ],
)
def test_a_bad_sample_is_named_and_spoils_no_other(sample: str, reason: str) -> None:
    before, after = "The $T$ .\nsoup\n1\n", "A $T$ .\ntea\n0\n"
    examples, bad = read(ThreeLines(), f"{before}{sample}\n{after}")
    assert [judged(example) for example in examples] == [
        [("soup", 4, 8, "positive")],
        [("tea", 2, 5, "neutral")],
    ]
    assert bad == [f"a.txt:{reason}"]


WORDS = st.lists(st.sampled_from(["soup", "bread", "é", "was", "…", "."]), min_size=1, max_size=8)


@given(st.lists(st.tuples(WORDS, st.data()), max_size=5))
def test_places_are_where_the_terms_were_cut_out(
    rows: list[tuple[list[str], st.DataObject]],
) -> None:
    lines, expected = [], []
    for words, data in rows:
        first = data.draw(st.integers(0, len(words) - 1))
        end = data.draw(st.integers(first + 1, len(words)))
        term = " ".join(words[first:end])
        lines += [" ".join([*words[:first], "$T$", *words[end:]]), term, "1"]
        expected.append((" ".join(words), term))
    examples, bad = read(ThreeLines(), "\n".join(lines))
    found = []
    for example in examples:
        assert isinstance(example.item, AspectItem)
        for aspect in example.item.aspects:
            assert example.item.text[aspect.start : aspect.end] == aspect.text
            found.append((example.item.text, aspect.text))
    assert (found, bad) == (expected, [])
