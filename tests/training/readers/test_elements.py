"""XML with lines, against the standard library's own parser, and what is refused."""

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.errors import DataError
from training.readers import elements as module
from training.readers.elements import Element, elements
from training.readers.files import Document

MENU = """<?xml version="1.0" encoding="UTF-8"?>
<menu>
  <page n="1"><dish price="3">Soup &amp; bread</dish>
    <dish>Tea</dish></page>
  <other/>
  <page n="2">Bare &#233;</page>
</menu>"""


def parsed(text: str | bytes, tag: str = "page") -> list[Element]:
    raw = text.encode() if isinstance(text, str) else text
    return list(elements(Document("a.xml", io.BytesIO(raw)), tag))


def test_elements_have_their_lines_attributes_texts_and_children() -> None:
    first, second = parsed(MENU)
    assert (first.line, first.attributes) == (3, {"n": "1"})
    assert [(d.text, d.line, d.attributes) for d in first.every("dish")] == [
        ("Soup & bread", 3, {"price": "3"}),
        ("Tea", 4, {}),
    ]
    assert (second.line, second.text, second.child("dish")) == (6, "Bare é", None)


def test_the_declared_encoding_is_followed() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><m><page>café</page></m>'
    assert parsed(text.encode("latin-1"))[0].text == "café"


@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_chunks_may_cut_anywhere(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    whole = parsed(MENU)
    monkeypatch.setattr(module, "_CHUNK", chunk)
    assert parsed(MENU) == whole


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<menu>\n<page>\n</menu>", r"a\.xml:3: no XML: mismatched tag"),
        ("<menu>\n<page></page>", r"a\.xml:2: no XML: no element found"),
        ("", r"a\.xml:1: no XML: no element found"),
        ("page", r"a\.xml:1: no XML: syntax error"),
        ("<m>\n<page>&amp;&soup;</page></m>", r"a\.xml:2: no XML: undefined entity"),
        (b"<m>\n\xff</m>", r"a\.xml:2: no XML: not well-formed"),
    ],
)
def test_what_is_no_xml_is_refused_with_its_line(text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parsed(text)


LAUGHS = "<!DOCTYPE m [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]>\n<m><page>&b;</page></m>"
OUTSIDE = '<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/hostname">]>\n<m><page>&a;</page></m>'


@pytest.mark.parametrize("text", [LAUGHS, OUTSIDE, "\n<!DOCTYPE m>\n<m/>"])
def test_a_document_type_is_refused_before_anything_is_read(text: str) -> None:
    line = 2 if text.startswith("\n") else 1
    with pytest.raises(DataError, match=rf"a\.xml:{line}: a document type is not allowed"):
        parsed(text)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
Tree = tuple[str, str, list[Any]]
TREES: st.SearchStrategy[Tree] = st.recursive(
    st.tuples(st.sampled_from(["page", "dish"]), TEXTS, st.just([])),
    lambda inner: st.tuples(st.sampled_from(["page", "dish"]), TEXTS, st.lists(inner, max_size=3)),
    max_leaves=8,
)


def built(tree: Tree) -> ET.Element:
    tag, text, children = tree
    element = ET.Element(tag, {"said": text})
    element.text = text
    element.extend([built(child) for child in children])
    return element


def outermost(element: ET.Element) -> Iterator[ET.Element]:
    for child in element:
        if child.tag == "page":
            yield child
        else:
            yield from outermost(child)


def same(ours: Element, theirs: ET.Element) -> bool:
    alike = (ours.tag, ours.text, ours.attributes) == (theirs.tag, theirs.text or "", theirs.attrib)
    return alike and len(ours.children) == len(theirs) and all(map(same, ours.children, theirs))


@given(TREES)
def test_elements_are_those_of_the_standard_parser(tree: Tree) -> None:
    root = ET.Element("menu")
    root.append(built(tree))
    written = ET.tostring(root, encoding="utf-8")
    theirs = list(outermost(ET.fromstring(written)))  # noqa: S314  # what we wrote a line above
    ours = parsed(written)
    assert len(ours) == len(theirs)
    assert all(map(same, ours, theirs))
