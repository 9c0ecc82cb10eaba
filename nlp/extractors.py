"""The literal table of extractors: what makes the arrays that words alone do not give."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from nlp import subwords, terms
from nlp.errors import ModelError
from nlp.features import Extractor
from nlp.subwords import SubWords
from nlp.terms import load_linear

EXTRACTORS: Final[dict[str, Callable[[Mapping[str, Any], Path], Extractor]]] = {
    subwords.KIND: SubWords.load,
    terms.KIND: load_linear,
}
"""Kind -> how it is loaded from its options in the manifest and its files in the version folder."""


def load_extractor(options: object, folder: Path) -> Extractor | None:
    """The extractor a manifest's `text.extractor` names; None where it names none.

    Raises ModelError.
    """
    if options is None:
        return None
    if not isinstance(options, Mapping) or options.get("kind") not in EXTRACTORS:
        known = ", ".join(sorted(EXTRACTORS))
        raise ModelError(f"text.extractor must be an object whose kind is one of: {known}")
    return EXTRACTORS[options["kind"]](options, folder)
