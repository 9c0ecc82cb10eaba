"""Sentences of our own for load tests: seeded templates, lengths like those of reviews."""

import random
from typing import Final

_SUBJECTS: Final = (
    "the film", "this little book", "our waiter", "the second season", "the battery", "her voice",
    "the hotel by the station", "the new update", "my neighbour's cat", "the whole orchestra",
)  # fmt: skip
_VERBS: Final = (
    "surprised us", "fell apart", "was worth every minute", "kept its promise", "bored everybody",
    "made me laugh", "broke after two days", "tasted of nothing", "shone", "was too short",
)  # fmt: skip
_PLACES: Final = (
    "on a rainy evening", "in the last hour", "for the price", "despite the noise", "at breakfast",
    "without any warning", "from the first page to the last", "while nobody was looking",
)  # fmt: skip
_ENDS: Final = (".", "!", "...", " :)", ", honestly.", ", again!", ", I'm afraid.")


def sentence(source: random.Random) -> str:
    """One to five clauses: 5 to about 55 words, half of them under 20."""
    clauses = [_clause(source) for _ in range(min(5, 1 + int(source.expovariate(0.75))))]
    joined = source.choice((", and ", "; ", ", but ")).join(clauses)
    return joined[0].upper() + joined[1:] + source.choice(_ENDS)


def sentences(count: int, *, seed: int = 0) -> list[str]:
    """`count` sentences, the same for a seed everywhere."""
    source = random.Random(seed)
    return [sentence(source) for _ in range(count)]


def _clause(source: random.Random) -> str:
    parts = [source.choice(_SUBJECTS), source.choice(_VERBS)]
    parts += source.sample(_PLACES, source.choice((0, 1, 1, 2)))
    return " ".join(parts)
