"""Labelled texts in every form, and what each form calls malformed."""

import io
import json

import pytest

from nlp.tasks.base import Example
from training.errors import DataError
from training.readers import Reader
from training.readers.files import BadLines, Document
from training.readers.labelled import Columns, JsonLines, LabelFirst, Meaning, OneLabel

POLAR = Meaning({"0": "negative", "1": "positive", "2": ""})
AS_IT_IS = Meaning()


def read(reader: Reader, text: str | bytes) -> tuple[list[Example], list[str]]:
    bad = BadLines()
    raw = text.encode() if isinstance(text, str) else text
    return list(reader(Document("a.txt", io.BytesIO(raw)), bad)), bad.shown


def pairs(examples: list[Example]) -> list[tuple[object, object, str]]:
    return [(example.item, example.gold, example.source) for example in examples]


def test_label_first_reads_labels_texts_and_places() -> None:
    examples, bad = read(LabelFirst(POLAR), "1 a warm film\n\n0 dull , and long \n2 so so\n")
    assert pairs(examples) == [
        ("a warm film", "positive", "a.txt:1"),
        ("dull , and long", "negative", "a.txt:3"),
    ]
    assert bad == []


def test_label_first_reports_each_malformed_line() -> None:
    examples, bad = read(LabelFirst(POLAR), "alone\n3 what label\n1  \n 1 no label\n1 fine\n")
    assert pairs(examples) == [("fine", "positive", "a.txt:5")]
    assert bad == [
        "a.txt:1: there is no ' ' between a label and a text",
        "a.txt:2: the label is none of '0', '1', '2'",
        "a.txt:3: there is no text",
        "a.txt:4: there is no label",
    ]


def test_no_message_holds_the_text() -> None:
    _, bad = read(LabelFirst(POLAR), "secretword another\n")
    assert bad
    assert "secret" not in bad[0]


def test_a_tab_may_stand_between_label_and_text() -> None:
    examples, _ = read(LabelFirst(POLAR, separator="\t"), "1\ta warm film\n")
    assert examples[0].item == "a warm film"


def test_one_label_gives_it_to_every_line() -> None:
    examples, bad = read(
        OneLabel("positive", encoding="latin-1"), "café\n\nbar\n".encode("latin-1")
    )
    assert pairs(examples) == [
        ("café", "positive", "a.txt:1"),
        ("bar", "positive", "a.txt:3"),
    ]
    assert bad == []


def test_a_cleaner_runs_before_the_text_is_judged() -> None:
    meaning = Meaning(clean=lambda text: text.replace("<br />", " "))
    examples, bad = read(OneLabel("x", meaning), "one<br />two\n<br />\n")
    assert [example.item for example in examples] == ["one two"]
    assert bad == ["a.txt:2: there is no text"]


def test_json_lines_read_fields_and_labels_of_each_kind() -> None:
    rows = [{"t": "one", "l": 1}, {"t": "two", "l": "0"}, {"t": "three", "l": True, "more": None}]
    meaning = Meaning({"1": "positive", "0": "negative", "true": "neutral"})
    text = "\n".join(map(json.dumps, rows))
    examples, bad = read(JsonLines(meaning, text="t", label="l"), text)
    assert [example.gold for example in examples] == ["positive", "negative", "neutral"]
    assert bad == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON: Expecting property name"),
        ("[1]", "no JSON object"),
        ("[" * 100_000, "no JSON"),
        ('{"label": "x"}', "there is no field 'text'"),
        ('{"text": "x"}', "there is no field 'label'"),
        ('{"text": 3, "label": "x"}', "the field 'text' is no string"),
        ('{"text": "x", "label": null}', "the field 'label' is no string or whole number"),
        ('{"text": "x", "label": 1.0}', "the field 'label' is no string or whole number"),
        ('{"text": "\\ud800", "label": "x"}', "the text holds a lone surrogate"),
        ('{"text": "x", "label": ""}', "there is no label"),
    ],
)
def test_json_lines_report_each_malformed_line(line: str, reason: str) -> None:
    good = '{"text": "fine", "label": "x"}'
    examples, bad = read(JsonLines(AS_IT_IS), f"{good}\n{line}\n{good}\n")
    assert [example.source for example in examples] == ["a.txt:1", "a.txt:3"]
    assert len(bad) == 1
    assert bad[0].startswith(f"a.txt:2: {reason}")


def test_csv_follows_rfc_4180() -> None:
    text = 'id,label,text\r\n1,0,"dull, ""very"" dull"\r\n2,1,"two\nlines"\r\n3,1,plain\r\n'
    examples, bad = read(Columns(POLAR), text)
    assert pairs(examples) == [
        ('dull, "very" dull', "negative", "a.txt:2"),
        ("two\nlines", "positive", "a.txt:3"),
        ("plain", "positive", "a.txt:5"),
    ]
    assert bad == []


def test_csv_reports_malformed_records_where_they_begin() -> None:
    text = 'label,text\n1,one\n0\n1,a,b\n"0"x,two\n1,fine\n0,"never\nended\n'
    examples, bad = read(Columns(POLAR), text)
    assert [example.item for example in examples] == ["one", "fine"]
    assert bad[:3] == [
        "a.txt:3: 1 columns instead of 2",
        "a.txt:4: 3 columns instead of 2",
        "a.txt:5: no CSV: ',' expected after '\"'",
    ]
    assert bad[3] == "a.txt:7: no CSV: unexpected end of data"
    assert len(bad) == 4


def test_tsv_has_no_quotes() -> None:
    reader = Columns(AS_IT_IS, delimiter="\t", quoted=False)
    examples, bad = read(reader, 'text\tlabel\nsay "hi\tgood\n\n"\tbad\n')
    assert pairs(examples) == [('say "hi', "good", "a.txt:2"), ('"', "bad", "a.txt:4")]
    assert bad == []


def test_columns_by_number_without_a_header() -> None:
    reader = Columns(AS_IT_IS, "3", "2", "\t", header=False, quoted=False)
    examples, bad = read(reader, "17\tgood\tnice day\n18\tbad\train\t\n19\tbad\n")
    assert [example.item for example in examples] == ["nice day", "rain"]
    assert bad == ["a.txt:3: 2 columns instead of 3"]


def test_extra_columns_are_passed_over_where_asked() -> None:
    reader = Columns(AS_IT_IS, delimiter=";", extra=True)
    examples, bad = read(reader, "label;text\nx;one;more\n")
    assert [example.item for example in examples] == ["one"]
    assert bad == []


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        (Columns(AS_IT_IS, text="body"), "no column 'body'; its columns are label, text"),
        (Columns(AS_IT_IS, header=False), "no column 'text'; columns are numbers from 1"),
        (Columns(AS_IT_IS, text="0", header=False), "no column '0'; columns are numbers from 1"),
    ],
)
def test_an_absent_column_is_refused_at_once(reader: Reader, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(reader, "label,text\nx,one\n")


def test_an_empty_file_has_no_columns() -> None:
    with pytest.raises(DataError, match="has no column"):
        read(Columns(AS_IT_IS), "")
