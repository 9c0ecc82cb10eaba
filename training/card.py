"""The model card: what a version is, what it was made of, how good it is, and how to make it again.

Plain Markdown from plain values, so that it can be written again from a manifest. Sections whose
facts are absent are left out. Source of the form: Mitchell et al. 2019, "Model Cards for Model
Reporting".
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypedDict

Facts = Mapping[str, Any]


class CardFacts(TypedDict, total=False):
    """What a card is written from; only `name` and `task` are needed.

    data: `Prepared.to_dict()`, with `describe_vectors()` as "vectors" and `describe_lexicon()` as
        "lexicon" where there are any.
    scores: `Scores.to_dict()` by layer, on the split `scored_on`; measures: `Measure.to_dict()`
        by name, on the same.
    calibration: `Calibration.to_dict()` by layer. slices: `Slice.to_dict()`s.
    limits, intended: added to what is said of every model of the task.
    pictures: file names beside the card, by title.
    """

    name: str
    task: str
    description: str
    architecture: str
    parameters: int
    sizes: Mapping[str, Any]
    labels: Mapping[str, Sequence[str]]
    intended: Sequence[str]
    limits: Sequence[str]
    data: Facts
    scored_on: str
    scores: Mapping[str, Facts]
    measures: Mapping[str, Facts]
    slices: Sequence[Facts]
    calibration: Mapping[str, Facts]
    pictures: Mapping[str, str]
    command: str
    recipe: Facts
    packages: Mapping[str, str]


_INTENDED: Final[dict[str, list[str]]] = {
    "sentiment": [
        "Says how positive or negative a text is, for counts and trends over many texts.",
        "Not for decisions about single people, and not for what a text says of each thing in it.",
    ],
    "tagging": [
        "Says the part of speech of each word of a text, as a step before other analyses.",
        "Not for judging how well somebody writes.",
    ],
    "aspects": [
        "Says what a text thinks of each of the things that are asked: terms it names, or "
        "categories that it only implies.",
        "The attention weights show where the model looked; they are no proof of why it decided.",
    ],
    "extraction": ["Finds the words of a text that name what it has an opinion of."],
    "pairs": ["Finds what a text has an opinion of, and the opinion, in one go."],
    "language-model": [
        "Says how usual a text is (perplexity), and writes on from a beginning.",
        "What it writes is likely, not true.",
    ],
}
_LIMITS: Final[dict[str, list[str]]] = {
    "sentiment": [
        "It learned the labels of its data: other subjects, dialects and years will score lower.",
        "Irony, quotation and mixed opinions are often misread.",
    ],
    "tagging": [
        "Words that training never saw are tagged less well; see the slices.",
        "Texts unlike the treebank's genres will score lower.",
    ],
    "aspects": [
        "It learned few subjects: aspects of other trades will score lower.",
        "Asked for a thing that the text does not speak of, it answers all the same.",
    ],
    "extraction": ["It learned few subjects: things of other trades are missed."],
    "pairs": ["It learned few subjects: things of other trades are missed."],
    "language-model": ["Perplexities of models with different vocabularies do not compare."],
}
_SPECIAL: Final = re.compile(r"([\\`*_<>|\[\]])")


def write_card(facts: CardFacts) -> str:
    """The whole card, ending in a line feed."""
    sections = (
        _head(facts),
        _use(facts),
        _data(facts),
        _audit(facts),
        _scores(facts),
        _slices(facts),
        _calibration(facts),
        _pictures(facts),
        _again(facts),
    )
    return "\n".join(section for section in sections if section)


def _head(facts: CardFacts) -> str:
    labels = facts.get("labels", {})
    rows = [
        ("task", facts["task"]),
        ("architecture", facts.get("architecture", "")),
        ("sizes", ", ".join(f"{k} = {v}" for k, v in _plain_sizes(facts))),
        ("parameters", f"{facts['parameters']:,}" if "parameters" in facts else ""),
        *((f"labels ({layer})", ", ".join(names)) for layer, names in labels.items()),
    ]
    said = [facts["description"], ""] if facts.get("description") else []
    return _section(f"# {facts['name']}", *said, _table(("", ""), [row for row in rows if row[1]]))


def _plain_sizes(facts: CardFacts) -> list[tuple[str, Any]]:
    """A pretrained encoder's own configuration stands in the manifest."""
    return [(k, v) for k, v in facts.get("sizes", {}).items() if not isinstance(v, Mapping)]


def _use(facts: CardFacts) -> str:
    intended = [*_INTENDED.get(facts["task"], []), *facts.get("intended", [])]
    limits = [*_LIMITS.get(facts["task"], []), *facts.get("limits", [])]
    return _section("## Use and limits", _bullets(intended), "", "Limits:", "", _bullets(limits))


def _data(facts: CardFacts) -> str:
    data = facts.get("data")
    if not data:
        return ""
    header = ("split", "source", "version", "licence", "examples", "lines skipped")
    named = [(split, one) for split, all_of in data["sources"].items() for one in all_of]
    rows = [
        (split, one["name"], one["version"], one["licence"], one["examples"], one["malformed"])
        for split, one in named
    ]
    notes = {one["name"].split(":")[0]: f"{one['note']} {one['url']}".strip() for _, one in named}
    return _section(
        "## Data",
        _table(header, rows),
        "",
        _counts(data),
        *_vectors(data.get("vectors")),
        *_lexicon(data.get("lexicon")),
        *_encoder(data.get("encoder")),
        "",
        _bullets(f"{name}: {note}" for name, note in notes.items()),
    )


def _vectors(vectors: Facts | None) -> list[str]:
    if not vectors:
        return []
    terms = "; ".join(vectors[key] for key in ("licence", "url", "note") if vectors[key])
    said = f"Word vectors: {vectors['name']}, sha256 {vectors['sha256']}"
    return ["", f"{said}; {terms}" if terms else said]


def _encoder(encoder: Facts | None) -> list[str]:
    if not encoder:
        return []
    digest = f", sha256 {encoder['sha256']}" if encoder["sha256"] else ""
    return [f"\nPretrained encoder: {encoder['name']}{digest}"]


def _lexicon(lexicon: Facts | None) -> list[str]:
    return [
        f"\nOpinion words: {one['name']}, sha256 {one['sha256']}"
        + "".join(f"; {one[key]}" for key in ("licence", "url") if one[key])
        for one in (lexicon or {}).values()
    ]


def _counts(data: Facts) -> str:
    used = data["examples"]
    said = [f"Trained on {used['train']:,} examples, selected on {used['dev']:,} of dev."]
    if data["dropped_leaks"]:
        dropped = f"{data['dropped_leaks']:,} training examples were left out:"
        said.append(f"{dropped} their texts stand in dev or test.")
    if data["detokenised"]:
        said.append(f"{data['detokenised']:,} were put into the form that people type.")
    return " ".join(said)


def _audit(facts: CardFacts) -> str:
    """Only what was found: the checks that found nothing are said in one line."""
    findings = facts.get("data", {}).get("audit", {}).get("findings", [])
    found = [finding for finding in findings if finding["count"]]
    if not findings:
        return ""
    rows = [
        (
            one["check"],
            one["split"],
            f"{one['count']:,} of {one['total']:,}",
            _percent(one["share"]),
        )
        for one in found
    ]
    clean = f"{len(findings) - len(found)} of {len(findings)} checks found nothing."
    table = [_table(("check", "split", "examples", "share"), rows), ""] if rows else []
    return _section("### Audit", *table, clean)


def _scores(facts: CardFacts) -> str:
    scores, measures = facts.get("scores") or {}, facts.get("measures") or {}
    if not scores and not measures:
        return ""
    tables = [_score_table(scores)] if scores else []
    tables += [_measure_table(measures)] if measures else []
    return _section(
        f"## Scores on {facts.get('scored_on', 'test')}",
        "\n\n".join(tables),
        "",
        "In brackets: bootstrap 95 % intervals.",
        *(line for layer, one in scores.items() for line in ("", _class_table(layer, one))),
    )


def _measure_table(measures: Mapping[str, Facts]) -> str:
    rows = [(name, f"{one['items']:,}", _measured(one)) for name, one in measures.items()]
    return _table(("measure", "items", "value"), rows)


def _measured(one: Facts) -> str:
    """Shares as shares, other figures (perplexity) as they are."""
    value, interval = one["value"], one["interval"]
    if value <= 1:
        return _with_interval(value, interval) if interval else _percent(value)
    return f"{value:.2f}" + (
        f" ({interval['low']:.2f} to {interval['high']:.2f})" if interval else ""
    )


def _score_table(scores: Mapping[str, Facts]) -> str:
    rows = [
        (
            layer,
            f"{one['items']:,}",
            _with_interval(one["accuracy"], one["accuracy_interval"]),
            _with_interval(one["macro_f1"], one["macro_f1_interval"]),
            _percent(one["micro_f1"]),
        )
        for layer, one in scores.items()
    ]
    return _table(("layer", "items", "accuracy", "macro F1", "micro F1"), rows)


def _class_table(layer: str, scores: Facts) -> str:
    rows = [
        (one["label"], one["support"], *map(_percent, (one["precision"], one["recall"], one["f1"])))
        for one in scores["classes"]
    ]
    return _table((layer, "support", "precision", "recall", "F1"), rows)


def _slices(facts: CardFacts) -> str:
    slices = facts.get("slices")
    if not slices:
        return ""
    rows = [(one["name"], f"{one['items']:,}", _percent(one["accuracy"])) for one in slices]
    return _section("### Slices", _table(("slice", "items", "accuracy"), rows))


def _calibration(facts: CardFacts) -> str:
    found = facts.get("calibration")
    if not found:
        return ""
    rows = [
        (
            layer,
            f"{one['temperature']:.3f}",
            *(_percent(one[when]["ece"]) for when in ("before", "after")),
            *(f"{one[when]['nll']:.4f}" for when in ("before", "after")),
        )
        for layer, one in found.items()
    ]
    header = ("layer", "temperature", "ECE before", "ECE after", "NLL before", "NLL after")
    said = "The temperature was fitted on dev, and the scores here are of dev."
    return _section("## Calibration", _table(header, rows), "", said)


def _pictures(facts: CardFacts) -> str:
    pictures = facts.get("pictures")
    if not pictures:
        return ""
    return _section("## Pictures", *(f"![{title}]({file})" for title, file in pictures.items()))


def _again(facts: CardFacts) -> str:
    parts = []
    if "command" in facts:
        parts += [f"```\n{facts['command']}\n```"]
    if "packages" in facts:
        versions = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
        parts += [f"Made with {versions}."]
    if "recipe" in facts:
        parts += [f"```json\n{json.dumps(facts['recipe'], indent=1, ensure_ascii=False)}\n```"]
    return _section("## Make it again", "\n\n".join(parts)) if parts else ""


def _section(*lines: str) -> str:
    head, *body = lines
    return "\n".join([head, "", *body, ""])


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *([_cell(held) for held in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(held: object) -> str:
    """Tags such as `` and | must not be read as Markdown."""
    text = f"{held:,}" if isinstance(held, int) else str(held)
    return _SPECIAL.sub(r"\\\1", text)


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.2f} %"


def _with_interval(value: float, interval: Facts) -> str:
    return f"{_percent(value)} ({100 * interval['low']:.2f} to {100 * interval['high']:.2f})"
