"""Versions that are not served: for which of four reasons, and told once, not at every poll."""

from collections import OrderedDict
from typing import Final

import structlog

from model_store import InvalidDocument, UnsafeFile, Untrusted, VerifyError, Version
from nlp.errors import GoldenError
from service.metrics import ANSWERS, DIGEST, OTHER, SIGNATURE, Metrics

log = structlog.get_logger()
REMEMBERED: Final = 256
_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (Untrusted, SIGNATURE),
    (VerifyError, DIGEST),
    (UnsafeFile, DIGEST),
    (InvalidDocument, DIGEST),
    (GoldenError, ANSWERS),
)


def reason_of(error: Exception) -> str:
    """signature, digest, answers or other, as `valence_model_refused_total` counts them."""
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), OTHER)


class Distrusted:
    """Versions that no trusted key vouches for.

    They are asked for again at every poll, since a signature or a key may come; log and metric hear
    of each once, until what is wrong with it changes.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._told: OrderedDict[str, str] = OrderedDict()

    def tell(self, error: Untrusted) -> None:
        """Log and count it, unless the same was told of this version before."""
        if self._told.get(error.reference) == str(error):
            return
        self._told[error.reference] = str(error)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        self._metrics.refused.labels(error.reference.partition("@")[0], SIGNATURE).inc()
        log.error("version_refused", version=error.reference, reason=str(error))

    def forget(self, version: Version) -> None:
        """It is trusted now."""
        self._told.pop(version.reference, None)
