"""The language of pairs against every set of pairs of a short text."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pair_sets import every_set

from nlp.errors import ModelError
from nlp.pair_grammar import (
    BEGIN,
    END_OUTPUT,
    PairGrammar,
    WordPair,
    check_symbols,
    labels_of,
    symbols_of,
    to_prefix,
)


def every_text(grammar: PairGrammar, written: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """All that the mask lets through to the end; fails where it leads into a dead end."""
    if written and written[-1] == END_OUTPUT:
        assert not grammar.allowed(written).any()
        yield written
        return
    choices = np.flatnonzero(grammar.allowed(written))
    assert len(choices), f"nothing may follow {written}"
    for output in choices.tolist():
        yield from every_text(grammar, (*written, output))


@pytest.mark.parametrize("words", range(5))
@pytest.mark.parametrize("labels", [1, 2])
def test_the_mask_lets_through_each_set_of_pairs_once_and_nothing_else(
    words: int, labels: int
) -> None:
    grammar = PairGrammar(2 + labels, words)
    let_through = list(every_text(grammar))
    written = [tuple(grammar.write(pairs)) for pairs in every_set(0, words, labels)]
    assert len(written) == len(set(written))
    assert sorted(let_through) == sorted(written)
    assert max(map(len, let_through)) == grammar.longest


@given(words=st.integers(0, 12), labels=st.integers(1, 3), data=st.data())
def test_what_is_written_reads_back(words: int, labels: int, data: st.DataObject) -> None:
    grammar = PairGrammar(2 + labels, words)
    bounds = sorted(data.draw(st.sets(st.integers(0, words), max_size=8)))
    spans = list(zip(bounds[::2], bounds[1::2], strict=False))
    pairs = [WordPair(a, b, data.draw(st.integers(0, labels - 1))) for a, b in spans]
    written = grammar.write(reversed(pairs))
    read = grammar.read(written)
    assert [pair for pair, _ in read] == pairs
    for pair, steps in read:
        copied = [grammar.symbols + word for word in range(pair.start, pair.end)]
        assert [written[step] for step in steps] == [*copied, 2 + pair.label]


def test_a_prefix_reads_as_the_pairs_it_has_ended() -> None:
    grammar = PairGrammar(4, 5)
    written = grammar.write([WordPair(0, 1, 1), WordPair(2, 4, 0)])
    assert written == [4, 3, 1, 6, 7, 2, 0]
    ended = [len(grammar.read(written[:n])) for n in range(len(written) + 1)]
    assert ended == [0, 0, 1, 1, 1, 1, 2, 2]


def test_the_prefix_begins_and_leaves_padding_free() -> None:
    assert to_prefix([]).tolist() == [BEGIN]
    assert to_prefix([4, 3, 0]).tolist() == [BEGIN, 6, 5, 2]
    assert to_prefix([0, 1]).min() > 0


def test_symbols_are_the_end_the_separator_and_the_labels() -> None:
    symbols = symbols_of(["negative", "positive"])
    assert symbols == ("</s>", ";", "negative", "positive")
    assert labels_of(symbols) == ("negative", "positive")
    check_symbols(symbols)


@pytest.mark.parametrize(
    "symbols", [(), ("</s>", ";"), (";", "</s>", "good"), ("good", "bad", "</s>")]
)
def test_other_symbols_are_refused(symbols: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="must be '</s>', ';' and then its labels"):
        check_symbols(symbols)


def test_a_symbol_twice_is_refused() -> None:
    with pytest.raises(ModelError, match="twice"):
        check_symbols(("</s>", ";", "good", "good"))
