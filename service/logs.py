"""Structured logs on standard error; never a text, never a message that could repeat one."""

import logging
import sys
import traceback

import structlog
from structlog.typing import Processor


def configure(*, level: str, style: str) -> None:
    """`style`: console, json, or auto (console on a terminal)."""
    numeric = logging.getLevelNamesMapping()[level.upper()]
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    renderer: Processor = structlog.processors.JSONRenderer()
    if console:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")


def describe(error: BaseException) -> dict[str, str]:
    """Type and stack of an unexpected error, for the log.

    Its message is left out: it may hold a piece of somebody's text.
    """
    frames = traceback.extract_tb(error.__traceback__)
    trace = " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return {"error": type(error).__name__, "trace": trace}
