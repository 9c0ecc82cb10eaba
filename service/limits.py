"""How much one request may ask of an engine, and what is work for a thread."""

from typing import Final

from service.problems import BodyTooLarge
from service.settings import Settings
from service.tickets import Limits

LARGE_CHARACTERS: Final = 1000
"""A request of more is encoded and decoded in a thread: that is 1 ms of work and more (1 to 2 µs a
character, measured) against 0.1 ms for two thread hops. A smaller one would only wait longer."""

CHARACTERS_A_TOKEN: Final = 4

SLICES_A_QUEUE: Final = 4
QUEUES_A_REQUEST: Final = 20
"""Where texts are read again for each aspect, a request may be as long as 20 full queues, and holds
a quarter of the queue at a time."""


def limits_of(settings: Settings) -> Limits:
    """The batcher's share of the settings."""
    return Limits(
        queue_tokens=settings.queue_limit_tokens,
        batch_tokens=settings.batch_budget_tokens,
        window=settings.batch_window_items,
        max_wait=settings.max_wait_seconds,
        watchdog=settings.watchdog_seconds,
    )


def check_work(size: int, limits: Limits) -> None:
    """Raise BodyTooLarge for more code points to read, a text for each aspect, than is allowed."""
    most = QUEUES_A_REQUEST * limits.queue_tokens
    if size // CHARACTERS_A_TOKEN > most:
        raise BodyTooLarge(
            f"the texts and their aspects come to more than {most} tokens, for a text is read "
            "again for each aspect; send fewer at a time"
        )
