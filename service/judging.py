"""Aspects found where none are given, then judged: two engines for one request.

Or one: a model of the task "pairs" finds aspects and judges them by itself.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from nlp.errors import TextError
from nlp.offsets import OffsetEncoding
from nlp.tasks.base import Answer, Aspect, AspectItem
from nlp.text import SplitText, check_unicode
from service.engine import Answered, Engine
from service.items import GivenItem, Refused, Render
from service.patience import Patience
from service.places import as_it_is, code_points, render_in
from service.problems import FieldError, Invalid, NotFound
from service.registry import Registry
from service.schemas.aspects import AskedText, AspectTextsBody, GivenAspect

ASPECTS: Final = "aspects"
EXTRACTION: Final = "extraction"
PAIRS: Final = "pairs"

AskedItem = str | AspectItem | Refused
"""A text whose aspects are to be found, one with its aspects, or one whose aspects are nowhere."""


@dataclass(frozen=True, slots=True)
class Named:
    """A model as a request names it (empty: not at all), and where in the body it does."""

    reference: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Judges:
    """`finder` finds the aspects of plain texts, `judge` judges; without a finder it does both."""

    judge: Engine
    finder: Engine | None

    async def answer(
        self, items: Sequence[AskedItem], render: Render, patience: Patience
    ) -> Answered:
        """Answer every item, in order. Raises what `Engine.answer` raises."""
        results: dict[int, dict[str, Any]] = {}
        asked: dict[int, GivenItem] = {}
        for place, item in enumerate(items):
            if isinstance(item, Refused):
                results[place] = item.to_dict()
                self.judge.metrics.count(results[place])
            else:
                asked[place] = item
        stages = await self._find(asked, results, patience)
        judged = await self.judge.answer(list(asked.values()), render, patience)
        results.update(zip(asked, judged.results, strict=True))
        ordered = [results[place] for place in range(len(items))]
        return Answered(ordered, judged.tokens, dict(stages + Counter(judged.stages)))

    async def _find(
        self,
        asked: dict[int, GivenItem],
        results: dict[int, dict[str, Any]],
        patience: Patience,
    ) -> Counter[str]:
        """Give plain texts their aspects; one that fails goes from `asked` to `results`."""
        plain = {place: item for place, item in asked.items() if isinstance(item, str)}
        if self.finder is None or not plain:
            return Counter()
        found = await self.finder.answer(list(plain.values()), as_it_is, patience)
        for (place, text), result in zip(plain.items(), found.results, strict=True):
            if "error" in result:
                results[place] = result
                del asked[place]
            else:
                asked[place] = AspectItem(text, tuple(map(_aspect, result["aspects"])))
        return Counter(found.stages)


def _aspect(found: Mapping[str, Any]) -> Aspect:
    return Aspect(found["text"], found["start"], found["end"])


async def find_judges(
    registry: Registry,
    items: Sequence[AskedItem],
    patience: Patience,
    leases: ExitStack,
    *,
    judge: Named,
    finder: Named,
) -> Judges:
    """The engines for these items, leased on `leases`.

    Where the judge is not named and plain texts cannot be served by two models, a model for pairs
    takes their place. Raises what `Registry.engine` raises.
    """
    plain = any(isinstance(item, str) for item in items)
    alone = not any(isinstance(item, AspectItem) for item in items)
    try:
        judging = await registry.engine(
            judge.reference,
            ASPECTS,
            patience,
            pointer=judge.pointer,
            also=(PAIRS,) if alone else (),
        )
        leases.enter_context(judging.lease())
        if not plain or judging.task == PAIRS:
            return Judges(judging, None)
        finding = await registry.engine(
            finder.reference, EXTRACTION, patience, pointer=finder.pointer
        )
    except NotFound:
        writing = registry.own(PAIRS)
        if not alone or judge.reference or finder.reference or writing is None:
            raise
        return Judges(leases.enter_context(writing.lease()), None)
    leases.enter_context(finding.lease())
    return Judges(judging, finding)


def asked_items(body: AspectTextsBody, max_aspects: int) -> list[AskedItem]:
    """The items of a body. Raises Invalid for more aspects of a text than `max_aspects`."""
    asked = body.asked()
    alone = body.input_field == "text"
    faults = [
        FieldError(
            f"send 1 to {max_aspects} aspects",
            pointer="/aspects" if alone else f"/texts/{place}/aspects",
        )
        for place, text in enumerate(asked)
        if len(text.aspects) > max_aspects
    ]
    if faults:
        raise Invalid(faults)
    return [_item(text, body.offset_encoding) for text in asked]


def _item(asked: AskedText, encoding: OffsetEncoding) -> AskedItem:
    text = SplitText(asked.text)
    if not asked.aspects:
        return text
    try:
        return AspectItem(text, _aspects(text, asked.aspects, encoding))
    except TextError as error:
        return Refused(error.code, str(error))


def _aspects(
    text: str, given: Sequence[GivenAspect], encoding: OffsetEncoding
) -> tuple[Aspect, ...]:
    check_unicode(text)
    convert = code_points(text, encoding)
    return tuple(
        Aspect(one.text, convert(one.start), convert(one.end)) if one.located else Aspect(one.text)
        for one in given
    )


def render_aspects(encoding: OffsetEncoding, *, attention: bool) -> Render:
    """How an answer of either kind of model goes over the wire."""
    located = render_in(encoding)

    def render(item: GivenItem, answer: Answer) -> dict[str, Any]:
        content = located(item, answer)
        if PAIRS in content:
            return {"aspects": [_pair(pair) for pair in content[PAIRS]]}
        if not attention:
            for aspect in content["aspects"]:
                aspect.pop("attention", None)
        return {"aspects": content["aspects"]}

    return render


def _pair(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {("aspect" if key == "text" else key): value for key, value in pair.items()}
