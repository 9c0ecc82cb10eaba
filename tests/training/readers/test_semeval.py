"""SemEval's two forms of XML, and each element that cannot be read."""

import pytest
from reading import judged, read

from nlp.tasks.base import AspectItem
from training.errors import DataError
from training.readers.semeval import SemEval

OF_2014 = """<?xml version="1.0" encoding="UTF-8"?>
<sentences>
  <sentence id="1">
    <text>Café owner was kind, but the soup &amp; the bread were cold.</text>
    <aspectTerms>
      <aspectTerm term="soup" polarity="negative" from="29" to="33"/>
      <aspectTerm term="Café owner" polarity="positive" from="0" to="10"/>
    </aspectTerms>
    <aspectCategories>
      <aspectCategory category="food" polarity="negative"/>
      <aspectCategory category="anecdotes/miscellaneous" polarity="conflict"/>
    </aspectCategories>
  </sentence>
  <sentence id="2"><text>We came by bus.</text></sentence>
</sentences>
"""

OF_2016 = """<Reviews><Review rid="1"><sentences>
<sentence id="1:0"><text>Lovely tea, slow staff.</text><Opinions>
  <Opinion target="tea" category="DRINKS#STYLE_OPTIONS" polarity="positive" from="7" to="10"/>
  <Opinion target="NULL" category="SERVICE#GENERAL" polarity="neutral" from="0" to="0"/>
  <Opinion category="FOOD#QUALITY" polarity="negative"/>
</Opinions></sentence>
<sentence id="1:1" OutOfScope="TRUE"><text>Bye.</text></sentence>
</sentences></Review></Reviews>
"""


def test_2014_gives_terms_at_their_places_and_categories() -> None:
    examples, bad = read(SemEval(), OF_2014, name="r.xml")
    assert bad == []
    assert judged(examples[0]) == [
        ("soup", 29, 33, "negative"),
        ("Café owner", 0, 10, "positive"),
        ("food", None, None, "negative"),
        ("anecdotes/miscellaneous", None, None, "conflict"),
    ]
    assert [example.source for example in examples] == ["r.xml:3", "r.xml:14"]
    assert examples[1].item == AspectItem("We came by bus.", ())
    assert examples[1].gold == ((),)


def test_opinions_give_their_category_and_the_term_where_there_is_one() -> None:
    examples, bad = read(SemEval(), OF_2016)
    assert bad == []
    assert judged(examples[0]) == [
        ("tea", 7, 10, "positive"),
        ("drinks style options", None, None, "positive"),
        ("service general", None, None, "neutral"),
        ("food quality", None, None, "negative"),
    ]
    assert judged(examples[1]) == []


def test_labels_of_ones_own_may_leave_aspects_out() -> None:
    labels = {"positive": "good", "negative": "bad", "neutral": "", "conflict": ""}
    examples, _ = read(SemEval(labels), OF_2014)
    assert [label for *_, label in judged(examples[0])] == ["bad", "good", "bad"]


GOOD = "<sentence><text>Warm soup.</text></sentence>"


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("<sentence>\n</sentence>", "2: a <sentence> without <text>"),
        ("<sentence><text> </text></sentence>", "2: there is no text"),
        (
            '<sentence><text>Warm soup.</text>\n<aspectTerm term="soup" polarity="positive" '
            'from="4" to="8"/></sentence>',
            "3: <aspectTerm>: the term is not what stands at 4 to 8",
        ),
        (
            '<sentence><text>Warm soup.</text>\n\n<aspectTerm term="soup" polarity="positive" '
            'from="5" to="11"/></sentence>',
            "4: <aspectTerm>: 5 to 11 is no place in a text of 10 characters",
        ),
        (
            '<sentence><text>Warm soup.</text><aspectTerm term="soup" polarity="positive" '
            'from="-5" to="9"/></sentence>',
            "2: <aspectTerm>: the attribute 'from' is no whole number",
        ),
        (
            '<sentence><text>Warm soup.</text><aspectTerm polarity="positive" '
            'from="5" to="9"/></sentence>',
            "2: <aspectTerm>: there is no attribute 'term'",
        ),
        (
            '<sentence><text>Warm soup.</text><Opinion target="soup" category="FOOD" '
            'polarity="great" from="5" to="9"/></sentence>',
            "2: <Opinion>: the label is none of 'positive', 'negative', 'neutral', 'conflict'",
        ),
        (
            '<sentence><text>Warm soup.</text><Opinion category="#" '
            'polarity="positive"/></sentence>',
            "2: <Opinion>: the category has no name",
        ),
        (
            '<sentence><text>Warm soup.</text><aspectCategory polarity="positive"/></sentence>',
            "2: <aspectCategory>: there is no attribute 'category'",
        ),
    ],
)
def test_a_bad_element_leaves_its_sentence_out_and_is_named(sentence: str, reason: str) -> None:
    examples, bad = read(SemEval(), f"<m>{GOOD}\n{sentence}{GOOD}</m>", name="r.xml")
    assert [example.item for example in examples] == [AspectItem("Warm soup.")] * 2
    assert bad == [f"r.xml:{reason}"]


def test_a_place_is_never_guessed_at_and_no_message_holds_the_text() -> None:
    text = (
        '<m><sentence><text>Hidden soup.</text><aspectTerm term="soup" polarity="positive" '
        'from="6" to="10"/></sentence></m>'
    )
    examples, bad = read(SemEval(), text)
    assert not examples
    assert "idden" not in bad[0]
    assert "soup" not in bad[0]


def test_a_broken_document_is_refused_as_a_whole() -> None:
    with pytest.raises(DataError, match=r"r\.xml:1: no XML"):
        read(SemEval(), f"<m>{GOOD}", name="r.xml")
