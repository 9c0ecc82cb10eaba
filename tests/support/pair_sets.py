"""All that may be said about a short text in pairs, by brute force."""

from collections.abc import Iterator

from nlp.pair_grammar import WordPair


def every_set(first: int, words: int, labels: int) -> Iterator[tuple[WordPair, ...]]:
    """All sets of pairs that do not overlap, from word `first` on."""
    yield ()
    for start in range(first, words):
        for end in range(start + 1, words + 1):
            for label in range(labels):
                for others in every_set(end, words, labels):
                    yield (WordPair(start, end, label), *others)
