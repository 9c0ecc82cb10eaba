"""Word splitters against the gold words of a treebank, and what each costs: one run, side by side.

    VALENCE_DATA=<folder of data sets> python -m benchmarks.words

Prints for each splitter the word F1 (a word counts where both its ends agree) on the dev sentences
of UD English-EWT, and the microseconds a sentence on a first pass over text never seen before and
on a second pass over the same text. Splitters take turns on every sentence, so that whatever else
the machine does falls on all of them alike. `spacy` is spaCy as Valence serves it, in a memory zone
that forgets each text; `spacy, cached` is the bare pipeline, which keeps every new word for ever.
"""

import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from time import perf_counter

from rich.console import Console
from rich.table import Table
from tokenizers import pre_tokenizers

from nlp.spacy_words import blank_pipeline
from nlp.text import Words, split_words, split_words_spacy
from training.readers.conllu import Conllu
from training.readers.files import BadLines, documents

TREEBANK = Path("ud_english_ewt") / "en_ewt-ud-dev.conllu"
REFERENCE = "words"

Span = tuple[int, int]
Split = Callable[[str], Sequence[Span]]


@dataclass(slots=True)
class Passes:
    """Seconds of each sentence, on the first and on the second pass."""

    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)


def main() -> None:
    folder = os.environ.get("VALENCE_DATA")
    if not folder:
        sys.exit("set VALENCE_DATA to the folder that holds the data sets")
    gold = gold_words(Path(folder) / TREEBANK)
    splitters = ready_splitters()
    passes = measure(splitters, [text for text, _ in gold])
    Console().print(table(splitters, passes, gold))


def gold_words(path: Path) -> list[tuple[str, frozenset[Span]]]:
    """Each sentence with the places of its words; the few whose words do not stand in the text
    letter by letter are left out.
    """
    sentences = [
        s for document in documents(path) for s in Conllu().sentences(document, BadLines())
    ]
    placed = [(s.text, places(s.text, s.words)) for s in sentences]
    return [(text, spans) for text, spans in placed if spans]


def places(text: str, words: Sequence[str]) -> frozenset[Span]:
    """Where the words stand, left to right; empty where one is not found."""
    spans, end = [], 0
    for word in words:
        start = text.find(word, end)
        if start < 0:
            return frozenset()
        end = start + len(word)
        spans.append((start, end))
    return frozenset(spans)


def ready_splitters() -> dict[str, Split]:
    """By name, each built and used once, so that no set-up falls into the first pass."""
    bert, cached = pre_tokenizers.BertPreTokenizer(), blank_pipeline().tokenizer
    blank = re.compile(r"\S+")
    splitters: dict[str, Split] = {
        REFERENCE: lambda text: spans_of(split_words(text)),
        "spacy": lambda text: spans_of(split_words_spacy(text)),
        "spacy, cached": lambda text: [(t.idx, t.idx + len(t)) for t in cached(text)],
        "whitespace": lambda text: [match.span() for match in blank.finditer(text)],
        "BertPreTokenizer": lambda text: [span for _, span in bert.pre_tokenize_str(text)],
    }
    for split in splitters.values():
        split("A sentence of ours that no treebank holds.")
    return splitters


def spans_of(words: Words) -> list[Span]:
    return list(zip(words.starts, words.ends, strict=True))


def measure(splitters: dict[str, Split], texts: Sequence[str]) -> dict[str, Passes]:
    passes = {name: Passes() for name in splitters}
    for attribute in ("first", "second"):
        for text in texts:
            for name, split in splitters.items():
                begin = perf_counter()
                split(text)
                getattr(passes[name], attribute).append(perf_counter() - begin)
    return passes


def word_f1(split: Split, gold: Sequence[tuple[str, frozenset[Span]]]) -> float:
    """2 * right / (found + gold), over all sentences."""
    found = [frozenset(split(text)) for text, _ in gold]
    right = sum(len(a & b) for a, (_, b) in zip(found, gold, strict=True))
    return 2 * right / sum(len(a) + len(b) for a, (_, b) in zip(found, gold, strict=True))


def table(
    splitters: dict[str, Split],
    passes: dict[str, Passes],
    gold: Sequence[tuple[str, frozenset[Span]]],
) -> Table:
    """One row a splitter; ratios are to the first pass of the reference."""
    base = fmean(passes[REFERENCE].first)
    rows = Table(title=f"{len(gold):,} sentences of UD English-EWT dev")
    for heading in ("splitter", "word F1", "first pass, µs", "second pass, µs", "times slower"):
        rows.add_column(heading, justify="left" if heading == "splitter" else "right")
    for name, split in splitters.items():
        first, second = fmean(passes[name].first), fmean(passes[name].second)
        times = f"{first * 1e6:.1f}", f"{second * 1e6:.1f}", f"{first / base:.2f}"
        rows.add_row(name, f"{word_f1(split, gold):.2%}", *times)
    return rows


if __name__ == "__main__":
    main()
