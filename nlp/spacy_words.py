"""spaCy's rule tokenizer, loaded late and without torch.

spaCy's machine-learning half imports torch wherever torch is installed, which costs seconds and
hundreds of megabytes that a tokenizer has no use for. Its import is guarded, so hiding torch while
spaCy is imported is enough.
"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from nlp.errors import ModelError

_HIDDEN = ("torch", "tensorflow", "mxnet", "cupy")
_one_at_a_time = Lock()
"""Memory zones of one pipeline must not overlap, and one thread must not see another's imports."""


def spacy_pieces(text: str) -> list[tuple[str, int]]:
    """Words and their first code point; white space tokens are left out."""
    with _one_at_a_time:
        nlp = _shared_pipeline()
        with nlp.memory_zone():  # else the string store keeps every new word for ever
            # Not nlp(text), which refuses texts over a million characters.
            return [(token.text, token.idx) for token in nlp.tokenizer(text) if not token.is_space]


def blank_pipeline() -> Any:  # noqa: ANN401 - spaCy is optional, so are its types
    """A new blank English pipeline. Raises ModelError where spaCy is not installed."""
    with _hide_frameworks(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside spaCy's own imports
        try:
            import spacy
        except ImportError:
            raise ModelError(
                "this model splits words with spaCy: pip install 'valence-nlp[spacy]'"
            ) from None
        return spacy.blank("en")


@cache
def _shared_pipeline() -> Any:  # noqa: ANN401
    return blank_pipeline()


@contextmanager
def _hide_frameworks() -> Iterator[None]:
    """Make `import torch` (and its like) fail inside the block, unless already imported."""
    hidden = [name for name in _HIDDEN if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
