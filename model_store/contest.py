"""How often and how fast a writer tries for a number that others want too.

Every loss means that somebody else won, so the whole always moves on; the random pause, which grows
up to half a second, is what lets each single one through.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

ATTEMPTS = 1000
PAUSE_FIRST_SECONDS = 0.02
PAUSE_LIMIT_SECONDS = 0.5


def rounds(attempts: int = ATTEMPTS) -> Iterator[int]:
    """Yield 0, 1, 2, ... below `attempts`, with a random pause before each but the first."""
    for attempt in range(attempts):
        if attempt:
            time.sleep(_pause_seconds(attempt))
        yield attempt


def _pause_seconds(attempt: int) -> float:
    limit = min(PAUSE_LIMIT_SECONDS, PAUSE_FIRST_SECONDS * (1 << min(attempt, 16)))
    return limit * secrets.randbelow(1000) / 1000
