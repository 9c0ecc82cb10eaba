"""Structured logs on standard error; never a text, never a message that could repeat one.

Every line that a request causes, in whatever task or thread, has its `request_id`, and its
`trace_id` where it is traced. What libraries log comes out in the same form.
"""

import logging
import sys
import traceback
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from service.calls import CALL


def configure(*, level: str, style: str, stream: TextIO | None = None) -> None:
    """`style`: console, json, or auto (console on a terminal). stream: None is standard error."""
    stream = stream or sys.stderr
    numeric = logging.getLevelNamesMapping()[level.upper()]
    console = style == "console" or (style == "auto" and stream.isatty())
    renderer: Processor = structlog.processors.JSONRenderer()
    if console:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty())
    ours: list[Processor] = [
        with_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*ours, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_of_a_library, *ours],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING)


def with_request(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A structlog processor: whose line this is."""
    if (call := CALL.get()) is not None:
        event["request_id"] = call.request_id
        if call.span.trace_id:
            event["trace_id"] = call.span.trace_id
    return event


def _of_a_library(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The first line of its message, for the others and the exception's own may hold anything."""
    record: logging.LogRecord = event["_record"]
    event["event"] = event["event"].partition("\n")[0]
    event["logger"] = record.name
    event.pop("exc_info", None)
    if record.exc_info and record.exc_info[1] is not None:
        event.update(describe(record.exc_info[1]))
    return event


def describe(error: BaseException) -> dict[str, str]:
    """Type and stack of an unexpected error, for the log.

    Its message is left out: it may hold a piece of somebody's text.
    """
    frames = traceback.extract_tb(error.__traceback__)
    trace = " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return {"error": type(error).__name__, "trace": trace}
