"""Duplicates, label conflicts and leaks: what would make the scores a lie, found before training.

Two texts count as equal when the same letters and digits remain after NFKC and case folding, so
that "Great!" and "great ." are one text. Tagged sentences are equal when their words are, marks
included, since those are tagged too; sentences of up to three words ("Thank you .") recur by
themselves and are no leak. Texts with aspects are compared by their text, and conflict where the
same aspect at the same place has another label. Reports hold counts and places, never a text.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from nlp.tasks.base import Aspect, AspectItem, Example
from training.errors import AuditError
from training.recipe import Audit, Check

SHOWN: Final = 5
"""How many places a finding lists."""

_RECURRING: Final = 3
_MARKS: Final = re.compile(r"[\W_]+")
_ASCII_MARKS: Final = bytes(code for code in range(128) if not chr(code).isalnum())


def text_key(text: str) -> str:
    """Equal for texts that count as equal. A text without letters and digits keeps its marks."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded.isascii():  # ten times faster than the regular expression, and most texts are
        bare = folded.encode("ascii").translate(None, _ASCII_MARKS).decode("ascii")
    else:
        bare = _MARKS.sub("", folded)
    return bare or "".join(folded.split())


def example_key(example: Example) -> str:
    """Equal for examples that count as equal."""
    item = example.item.text if isinstance(example.item, AspectItem) else example.item
    return text_key(item) if isinstance(item, str) else " ".join(item).casefold()


def can_leak(example: Example) -> bool:
    """False for a tagged sentence so short that it recurs by itself."""
    return isinstance(example.item, str | AspectItem) or len(example.item) > _RECURRING


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of one split.

    split: its name; for leaks "train+dev" and so on, the share being that of the second split.
    count, total, share: examples concerned, examples in all, and their ratio.
    places: the first few, "file:line = file:line" for the two that are equal.
    """

    check: Check
    split: str
    count: int
    total: int
    places: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.count / self.total if self.total else 0.0

    def __str__(self) -> str:
        places = f" ({'; '.join(self.places)})" if self.places else ""
        counted = f"{self.count:,} of {self.total:,} ({self.share:.2%})"
        return f"{self.check} in {self.split}: {counted}{places}"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What the audit found; every check of every split is listed, also where it found nothing."""

    findings: tuple[Finding, ...]

    def share(self, check: Check, split: str) -> float:
        """The share found by a check of a split; 0 where there was no such check."""
        found = [f.share for f in self.findings if (f.check, f.split) == (check, split)]
        return found[0] if found else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the manifest and the card."""
        return {"findings": [asdict(f) | {"share": f.share} for f in self.findings]}


def audit(splits: Mapping[str, Sequence[Example]]) -> AuditReport:
    """Checks within each split, and for equal texts in each pair of splits.

    The order of `splits` matters for leaks: each later split is compared with each earlier one.
    """
    keyed = {name: grouped(examples) for name, examples in splits.items()}
    findings = []
    for name, groups in keyed.items():
        findings += [_duplicates(name, groups), _conflicts(name, groups)]
    names = list(keyed)
    for i, later in enumerate(names):
        findings += [_leaks(earlier, later, keyed) for earlier in names[:i]]
    return AuditReport(tuple(findings))


def check(report: AuditReport, limits: Audit) -> None:
    """Raises AuditError that names what exceeded which limit, and how to allow it."""
    allowed_share: dict[Check, float] = {
        "duplicates": limits.max_duplicate_share,
        "conflicts": limits.max_conflict_share,
        "leaks": limits.max_cross_split_share,
    }
    over = [
        finding
        for finding in report.findings
        if finding.check not in limits.allow and finding.share > allowed_share[finding.check]
    ]
    if over:
        lines = (f"{f}; allowed {allowed_share[f.check]:.2%}, {_HOW[f.check]}" for f in over)
        raise AuditError("the data did not pass the audit:\n  " + "\n  ".join(lines))


_HOW: Final[dict[Check, str]] = {
    "duplicates": 'raise audit.max_duplicate_share, or name "duplicates" in audit.allow',
    "conflicts": 'raise audit.max_conflict_share, or name "conflicts" in audit.allow',
    "leaks": "set audit.drop_leaks = true to leave such training examples out, or raise "
    'audit.max_cross_split_share, or name "leaks" in audit.allow',
}


def leaked(train: Sequence[Example], others: Iterable[Sequence[Example]]) -> list[bool]:
    """For each training example, whether its text stands in one of the other splits."""
    held = {example_key(e) for examples in others for e in examples if can_leak(e)}
    return [can_leak(example) and example_key(example) in held for example in train]


def drop_leaks(train: Sequence[Example], others: Iterable[Sequence[Example]]) -> list[Example]:
    """The training examples whose text stands in none of the other splits."""
    marks = leaked(train, others)
    return [example for example, out in zip(train, marks, strict=True) if not out]


def deduplicate(examples: Sequence[Example]) -> list[Example]:
    """The first of each group of equal texts, and none of a group whose labels differ."""
    return [group[0] for group in grouped(examples).values() if conflict(group) is None]


Groups = Mapping[str, list[Example]]


def grouped(examples: Iterable[Example]) -> dict[str, list[Example]]:
    """Examples by their keys: those of a group count as equal."""
    groups: defaultdict[str, list[Example]] = defaultdict(list)
    for example in examples:
        groups[example_key(example)].append(example)
    return dict(groups)


def _size(groups: Groups) -> int:
    return sum(map(len, groups.values()))


def _pair(one: Example, other: Example) -> str:
    return f"{one.source} = {other.source}"


def _duplicates(name: str, groups: Groups) -> Finding:
    repeated = [group for group in groups.values() if len(group) > 1]
    count = sum(len(group) - 1 for group in repeated)
    places = tuple(_pair(group[0], group[1]) for group in repeated[:SHOWN])
    return Finding("duplicates", name, count=count, total=_size(groups), places=places)


def _conflicts(name: str, groups: Groups) -> Finding:
    torn = [(group, pair) for group in groups.values() if (pair := conflict(group)) is not None]
    places = tuple(_pair(*pair) for _, pair in torn[:SHOWN])
    count = sum(len(group) for group, _ in torn)
    return Finding("conflicts", name, count=count, total=_size(groups), places=places)


def conflict(group: Sequence[Example]) -> tuple[Example, Example] | None:
    """The first two of equal texts whose labels differ; of aspects, those that both texts have."""
    said: dict[Aspect | None, tuple[Example, object]] = {}
    for example in group:
        for asked, label in judgements(example):
            first, before = said.setdefault(asked, (example, label))
            if before != label:
                return first, example
    return None


def judgements(example: Example) -> Iterable[tuple[Aspect | None, object]]:
    """What was asked of the text, and its label: each aspect, or (None, all) for the text."""
    if isinstance(example.item, AspectItem):
        return zip(example.item.aspects, example.gold[0], strict=True)
    return [(None, example.gold)]


def _leaks(earlier: str, later: str, keyed: Mapping[str, Groups]) -> Finding:
    shared = [k for k, g in keyed[later].items() if k in keyed[earlier] and can_leak(g[0])]
    count = sum(len(keyed[later][key]) for key in shared)
    places = tuple(_pair(keyed[earlier][k][0], keyed[later][k][0]) for k in shared[:SHOWN])
    total = _size(keyed[later])
    return Finding("leaks", f"{earlier}+{later}", count=count, total=total, places=places)
