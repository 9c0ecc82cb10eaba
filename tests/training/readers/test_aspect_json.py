"""Aspects in JSON lines."""

import pytest
from reading import judged, read

from nlp.tasks.base import AspectItem
from training.readers.aspect_json import AspectJson

GOOD = '{"text": "Warm soup.", "aspects": []}'


def test_terms_categories_and_texts_without_either() -> None:
    line = (
        '{"text": "Warm soup.", "id": 3, "aspects": [{"text": "soup", "start": 5, "end": 9, '
        '"label": "positive"}, {"text": "price", "label": "conflict"}]}'
    )
    (first, second), bad = read(AspectJson(), f"{line}\n\n{GOOD}\n")
    assert bad == []
    assert judged(first) == [("soup", 5, 9, "positive"), ("price", None, None, "conflict")]
    assert (second.item, second.gold, second.source) == (AspectItem("Warm soup."), ((),), "a.txt:3")


ASPECT = "an aspect must have the strings 'text' and 'label'"
PLACE = "the fields 'start' and 'end' are whole numbers, or both absent"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON: Expecting property name"),
        ("[]", "no JSON object"),
        ('{"text": "Warm soup."}', "there must be a string 'text' and a list 'aspects'"),
        ('{"text": 3, "aspects": []}', "there must be a string 'text' and a list 'aspects'"),
        ('{"text": " ", "aspects": []}', "there is no text"),
        ('{"text": "x", "aspects": ["price"]}', ASPECT),
        ('{"text": "x", "aspects": [{"text": "", "label": "neutral"}]}', ASPECT),
        ('{"text": "x", "aspects": [{"text": "x"}]}', ASPECT),
        ('{"text": "x", "aspects": [{"text": "x", "label": "fine"}]}', "the label is none of"),
        ('{"text": "x", "aspects": [{"text": "x", "label": "neutral", "start": 0}]}', PLACE),
        ('{"text": "x", "aspects": [{"text": "x", "label": "", "start": 0, "end": true}]}', PLACE),
        (
            '{"text": "xy", "aspects": [{"text": "x", "label": "neutral", "start": 1, "end": 2}]}',
            "the aspect is not what stands at 1 to 2",
        ),
        (
            '{"text": "x", "aspects": [{"text": "x", "label": "neutral", "start": 0, "end": 2}]}',
            "0 to 2 is no place in a text of 1 characters",
        ),
    ],
)
def test_a_malformed_line_is_named_and_spoils_no_other(line: str, reason: str) -> None:
    examples, bad = read(AspectJson(), f"{GOOD}\n{line}\n{GOOD}\n")
    assert [example.source for example in examples] == ["a.txt:1", "a.txt:3"]
    assert len(bad) == 1
    assert bad[0].startswith(f"a.txt:2: {reason}")
