"""Structured logs on stderr: JSON lines, or plain ones at a terminal. No code of a pass, no token."""

import logging
import sys
import warnings

import structlog
from aiohttp import BadContentDispositionHeader, BadContentDispositionParam


def set_up_log(level: int = logging.INFO) -> None:
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # It writes what its parser refuses, tokens and codes included. What fails in our code, problems.py logs.
    logging.getLogger("aiohttp.server").disabled = True
    # It tells each table of each font that a paper embeds.
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    # It tells a wrong header of a form word by word, in lines that are not ours.
    for category in (BadContentDispositionHeader, BadContentDispositionParam):
        warnings.simplefilter("ignore", category)
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
