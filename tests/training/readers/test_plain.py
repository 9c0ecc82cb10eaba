"""Texts for language models."""

from hypothesis import given
from hypothesis import strategies as st
from reading import read

from nlp.tasks.base import Example
from nlp.vocabulary import END
from training.readers.plain import PlainText, WordBlocks


def test_one_text_a_line_without_a_label() -> None:
    examples, bad = read(PlainText(), b"Warm soup.\n\n  Tea \r\n\xff\n")
    assert examples == [Example("Warm soup.", "", "a.txt:1"), Example("Tea", "", "a.txt:3")]
    assert bad == ["a.txt:4: byte 1 is no utf-8"]


def test_lines_end_in_the_end_word_and_stand_in_blocks() -> None:
    examples, bad = read(WordBlocks(lines=2), " warm soup \n\n tea\nbread <unk>\n")
    assert bad == []
    assert examples == [
        Example(("warm", "soup", END, "tea", END), "", "a.txt:1"),
        Example(("bread", "<unk>", END), "", "a.txt:4"),
    ]


LINES = st.lists(st.lists(st.text("ab", min_size=1, max_size=3), max_size=4), max_size=12)


@given(LINES, st.integers(1, 5))
def test_blocks_hold_every_word_once_in_order(lines: list[list[str]], size: int) -> None:
    examples, _ = read(WordBlocks(lines=size), "\n".join(map(" ".join, lines)))
    joined = [word for example in examples for word in example.item]  # type: ignore[union-attr]
    assert joined == [word for line in lines if line for word in (*line, END)]
    filled = sum(map(bool, lines))
    assert len(examples) == -(-filled // size)
