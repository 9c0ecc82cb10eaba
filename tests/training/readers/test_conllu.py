"""CoNLL-U: words, multi-word tokens, empty nodes, comments, and malformed sentences."""

import io
from pathlib import Path

import pytest

from nlp.tasks.base import Example
from training.readers.conllu import Conllu, Sentence, treebank_version
from training.readers.files import BadLines, Document, documents


def row(number: str, form: str, upos: str = "_", xpos: str = "_", *, misc: str = "_") -> str:
    return "\t".join([number, form, "_", upos, xpos, "_", "_", "_", "_", misc])


GOOD = "\n".join(
    [
        "# newdoc id = ours",
        "# sent_id = 1",
        "# text = I don't know.",
        row("1", "I", "PRON", "PRP"),
        row("2-3", "don't"),
        row("2", "do", "AUX", "VBP"),
        row("3", "n't", "PART", "RB"),
        row("4", "know", "VERB", "VB", misc="SpaceAfter=No|Typo=No"),
        row("4.1", "it", "PRON", "PRP"),
        row("5", ".", "PUNCT", "."),
    ]
)
SHORT = row("1", "Hello", "INTJ", "UH")


def sentences(text: str) -> tuple[list[Sentence], list[str]]:
    bad = BadLines()
    document = Document("a.conllu", io.BytesIO(text.encode()))
    return list(Conllu().sentences(document, bad)), bad.shown


def test_words_tokens_and_text_of_a_sentence() -> None:
    (sentence,), bad = sentences(GOOD + "\n\n")
    assert bad == []
    assert sentence.words == ("I", "do", "n't", "know", ".")
    assert sentence.upos == ("PRON", "AUX", "PART", "VERB", "PUNCT")
    assert sentence.xpos == ("PRP", "VBP", "RB", "VB", ".")
    assert sentence.tokens == ("I", "don't", "know", ".")
    assert sentence.spaces == (True, True, False, True)
    assert sentence.text == sentence.spelled() == "I don't know."
    assert sentence.line == 4


def test_examples_hold_both_layers() -> None:
    document = Document("a.conllu", io.BytesIO(SHORT.encode()))
    (example,) = Conllu()(document, BadLines())
    assert example == Example(("Hello",), (("INTJ",), ("UH",)), "a.conllu:1")


def test_sentences_are_parted_by_any_number_of_blank_lines() -> None:
    text = f"\n\n{GOOD}\n\n \n# a comment alone\n\n{SHORT}"
    found, bad = sentences(text)
    assert bad == []
    assert [len(sentence.words) for sentence in found] == [5, 1]
    assert found[1].text == ""


@pytest.mark.parametrize(
    ("lines", "place", "reason"),
    [
        (["1\tHello\tINTJ"], 3, "3 columns instead of 10"),
        ([row("2", "Hello", "INTJ")], 3, "the word's id is not 1"),
        ([row("1", "a", "DET"), row("1", "b", "DET")], 4, "the word's id is not 2"),
        ([row("x", "Hello", "INTJ")], 3, "the word's id is not 1"),
        ([row("1", "", "INTJ")], 3, "there is no word"),
        ([row("1", "Hello", "UH")], 3, "the UPOS column holds no universal tag"),
        ([row("2-3", "x"), row("1", "a", "DET")], 3, "the range of a multi-word token"),
        ([row("1-1", "x"), row("1", "a", "DET")], 3, "the range of a multi-word token"),
        ([row("1.1", "x")], 3, "a sentence without words"),
    ],
)
def test_a_malformed_line_leaves_its_sentence_out(
    lines: list[str], place: int, reason: str
) -> None:
    found, bad = sentences("\n".join([SHORT, "", *lines, "", SHORT, ""]))
    assert len(found) == 2
    assert len(bad) == 1
    assert bad[0].startswith(f"a.conllu:{place}: {reason}")


@pytest.mark.parametrize(
    ("readme", "version"),
    [
        (
            "# Changelog\n\n**2025-05-15 v2.16**\n\n2024 v2.9\n\nData available since: UD v1.0",
            "2.16",
        ),
        ("* From UD 2.2 on, ...", "2.2"),
        ("release 2.14, see the site", "2.14"),
        ("no number here, version 3", "unknown"),
    ],
)
def test_the_version_is_the_newest_of_the_readme(tmp_path: Path, readme: str, version: str) -> None:
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    assert treebank_version(tmp_path / "a.conllu") == version


def test_without_a_readme_the_version_is_unknown(tmp_path: Path) -> None:
    assert treebank_version(tmp_path / "a.conllu") == "unknown"


def test_the_tokens_of_a_real_treebank_spell_its_texts(data: Path) -> None:
    bad = BadLines()
    path = data / "ud_english_ewt" / "en_ewt-ud-test.conllu"
    found = [one for document in documents(path) for one in Conllu().sentences(document, bad)]
    assert bad.total == 0
    assert len(found) == 2077
    assert sum(len(sentence.words) for sentence in found) == 25_094
    # One text has a no-break space, which the token lines cannot tell from a blank.
    assert all(one.spelled() == " ".join(one.text.split()) for one in found)
    assert treebank_version(path) == "2.16"
