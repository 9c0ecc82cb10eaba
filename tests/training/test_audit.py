"""The audit against brute force, its limits, and the real trap: MR and SST."""

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.tasks.base import Aspect, AspectItem, Example
from training.audit import (
    audit,
    check,
    deduplicate,
    drop_leaks,
    example_key,
    leaked,
    text_key,
)
from training.errors import AuditError
from training.recipe import Audit, Recipe, from_dict
from training.splits import prepare

TEXTS = st.lists(
    st.tuples(
        st.sampled_from(["Good film", "good film!", "Bad", "bad ...", "so so"]), st.booleans()
    ),
    max_size=12,
)


def made(rows: list[tuple[str, bool]], name: str = "a") -> list[Example]:
    return [
        Example(text, "positive" if label else "negative", f"{name}:{n}")
        for n, (text, label) in enumerate(rows, start=1)
    ]


def bare(example: Example) -> str:
    return "".join(c for c in str(example.item).lower() if c.isalnum())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Great!", "great ."),
        ("ﬁne_film", "FINE FILM"),
        ("Straße", "STRASSE"),
        ("does n't", "doesn't"),
        ("½ price", "1⁄2 price"),
    ],
)
def test_equal_texts_have_equal_keys(one: str, other: str) -> None:
    assert text_key(one) == text_key(other)


@pytest.mark.parametrize(("one", "other"), [(":)", ":("), ("good", "goods"), ("été", "ete")])
def test_differing_texts_have_differing_keys(one: str, other: str) -> None:
    assert text_key(one) != text_key(other)


@given(st.text(max_size=30))
def test_the_fast_way_for_ascii_is_the_same_as_the_slow_way(text: str) -> None:
    letters = "".join(c for c in text if c.isascii() and c.isalnum()).lower()
    ascii_only = "".join(c for c in text if c.isascii())
    assert text_key(ascii_only) in (letters, "".join(ascii_only.lower().split()))


@given(TEXTS, TEXTS)
def test_counts_equal_those_of_brute_force(train: list[Any], dev: list[Any]) -> None:
    ours, theirs = made(train), made(dev, "b")
    report = audit({"train": ours, "dev": theirs})
    keys = Counter(map(bare, ours))
    found = {(f.check, f.split): f for f in report.findings}
    assert found["duplicates", "train"].count == sum(n - 1 for n in keys.values())
    torn = {bare(a) for a, b in combinations(ours, 2) if bare(a) == bare(b) and a.gold != b.gold}
    assert found["conflicts", "train"].count == sum(bare(e) in torn for e in ours)
    assert found["leaks", "train+dev"].count == sum(bare(e) in keys for e in theirs)
    assert all(f.total == len(ours if f.split == "train" else theirs) for f in report.findings)


@given(TEXTS, TEXTS)
def test_dropping_leaks_leaves_none_and_nothing_else_out(train: list[Any], dev: list[Any]) -> None:
    ours, theirs = made(train), made(dev, "b")
    kept = drop_leaks(ours, [theirs])
    assert audit({"train": kept, "dev": theirs}).share("leaks", "train+dev") == 0
    held = {bare(example) for example in theirs}
    assert kept == [example for example in ours if bare(example) not in held]
    assert leaked(ours, [theirs]) == [bare(example) in held for example in ours]


@given(TEXTS)
def test_deduplication_keeps_the_first_of_those_that_agree(rows: list[Any]) -> None:
    examples = made(rows)
    kept = deduplicate(examples)
    report = audit({"train": kept})
    assert report.share("duplicates", "train") == report.share("conflicts", "train") == 0
    firsts = {bare(e): e for e in reversed(examples)}
    assert all(firsts[bare(example)] is example for example in kept)


def test_a_report_says_places_and_never_texts() -> None:
    rows = [("A warm film", True), ("a warm film", False), ("Dull", False)]
    report = audit({"train": made(rows), "dev": made(rows[:1], "b")})
    said = str(report.to_dict()) + "".join(map(str, report.findings))
    assert "a:1 = a:2" in said
    assert "a:1 = b:1" in said
    assert "warm" not in said
    assert report.share("conflicts", "train") == pytest.approx(2 / 3)
    assert report.share("leaks", "nowhere") == 0
    assert str(report.findings[0]) == "duplicates in train: 1 of 3 (33.33%) (a:1 = a:2)"


def test_an_empty_split_has_nothing_to_find() -> None:
    report = audit({"train": made([("Dull", False)]), "test": []})
    assert all(finding.share == 0 for finding in report.findings)
    check(report, Audit())


@pytest.mark.parametrize(
    ("limits", "over"),
    [
        (Audit(), ["duplicates in train", "conflicts in train", "leaks in train+dev"]),
        (Audit(max_duplicate_share=1), ["conflicts in train", "leaks in train+dev"]),
        (Audit(max_conflict_share=1), ["duplicates in train", "leaks in train+dev"]),
        (Audit(max_cross_split_share=1), ["duplicates in train", "conflicts in train"]),
        (Audit(allow=("leaks", "conflicts")), ["duplicates in train"]),
        (Audit(allow=("leaks", "conflicts", "duplicates")), []),
    ],
)
def test_limits_refuse_what_exceeds_them_and_say_how_to_allow_it(
    limits: Audit, over: list[str]
) -> None:
    rows = [("A warm film", True), ("a warm film", False), ("Dull", False)]
    report = audit({"train": made(rows), "dev": made(rows[:1], "b")})
    if not over:
        check(report, limits)
        return
    with pytest.raises(AuditError) as caught:
        check(report, limits)
    for finding in over:
        assert finding in str(caught.value)
        assert f'name "{finding.split()[0]}" in audit.allow' in str(caught.value)
    assert str(caught.value).count("audit.allow") == len(over)


def test_tagged_sentences_are_compared_by_their_words_and_short_ones_do_not_leak() -> None:
    def tagged(words: str, place: str) -> Example:
        split = tuple(words.split())
        return Example(split, (("X",) * len(split), ("Y",) * len(split)), place)

    train = [tagged("Thank you .", "a:1"), tagged("We left the house .", "a:2")]
    dev = [tagged("thank you .", "b:1"), tagged("we left the house !", "b:2")]
    report = audit({"train": train, "dev": dev})
    assert report.share("leaks", "train+dev") == 0
    assert report.share("duplicates", "train") == 0
    assert example_key(train[0]) == example_key(dev[0])
    again = audit({"train": train, "dev": [tagged("We left the House .", "b:1")]})
    assert again.share("leaks", "train+dev") == 1
    assert leaked(train, [dev]) == [False, False]


def aspects(text: str, place: str, **labels: str) -> Example:
    """Each word as an aspect at its place in the text; those that it lacks are categories."""
    asked = [
        Aspect(word, text.index(word), text.index(word) + len(word))
        if word in text
        else Aspect(word)
        for word in labels
    ]
    return Example(AspectItem(text, tuple(asked)), (tuple(labels.values()),), place)


def test_texts_with_aspects_conflict_where_the_same_aspect_has_another_label() -> None:
    train = [
        aspects("Warm soup, slow staff.", "a:1", soup="positive"),
        aspects("Warm soup, slow staff.", "a:2", staff="negative", price="neutral"),
        aspects("Cold tea.", "a:3", tea="negative"),
    ]
    report = audit({"train": train})
    assert report.share("duplicates", "train") == pytest.approx(1 / 3)
    assert report.share("conflicts", "train") == 0
    train.append(aspects("warm soup slow staff", "a:4", price="positive"))
    found = audit({"train": train}).findings[1]
    assert (found.count, found.total, found.places) == (3, 4, ("a:2 = a:4",))


def test_texts_with_aspects_leak_whatever_their_aspects() -> None:
    train = [
        aspects("Warm soup!", "a:1", soup="positive"),
        aspects("No tea.", "a:2", tea="neutral"),
    ]
    dev = [aspects("warm soup", "b:1", price="negative")]
    assert audit({"train": train, "dev": dev}).share("leaks", "train+dev") == 1
    assert leaked(train, [dev]) == [True, False]
    assert drop_leaks(train, [dev]) == train[1:]
    assert deduplicate([*train, *train]) == train


def test_texts_for_language_models_never_conflict() -> None:
    train = [Example("Warm soup.", "", "a:1"), Example("warm soup", "", "a:2")]
    report = audit({"train": train, "dev": [Example(("one", "two", "three", "four"), "", "b:1")]})
    assert report.share("duplicates", "train") == 0.5
    assert report.share("conflicts", "train") == report.share("leaks", "train+dev") == 0


def recipe_on(train: list[str], **audit_limits: object) -> Recipe:
    return from_dict(
        {
            "name": "moods",
            "task": "sentiment",
            "data": {"train": train, "dev": ["sst2:dev"], "test": ["sst2:test"]},
            "network": {"architecture": "textcnn"},
            "audit": audit_limits,
        }
    )


def test_sst2_with_phrases_passes_and_mr_against_sst_is_refused(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VALENCE_DATA", str(data))
    usual = prepare(recipe_on(["sst2:train", "sst2:phrases"]))
    assert len(usual.splits.train) == 6920 + 76_961
    with pytest.raises(AuditError, match=r"leaks in train\+test: 1,496 of 1,821 \(82\.15%\)"):
        prepare(recipe_on(["mr:all"]))
    mended = prepare(recipe_on(["mr:all"], drop_leaks=True))
    assert mended.dropped_leaks == 2_227
    assert mended.audit.share("leaks", "train+test") == 0


def test_ud_english_ewt_passes(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VALENCE_DATA", str(data))
    recipe = from_dict(
        {
            "name": "tags",
            "task": "tagging",
            "data": {"train": ["ud_english_ewt:dev"], "dev": ["ud_english_ewt:test"]},
            "network": {"architecture": "bilstm"},
        }
    )
    assert prepare(recipe).audit.share("leaks", "train+dev") < 0.01
