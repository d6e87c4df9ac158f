"""JSON log lines, one a request, without anything personal: no query, no body, no address."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def configure_logs(level: str) -> None:
    """Every log line of this process, uvicorn's too, is one JSON object on standard error."""
    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_encode),
        ],
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
    )
    logging.basicConfig(handlers=[_Forward()], level=level.upper(), force=True)
    logging.getLogger("uvicorn.access").disabled = True
    for name in ("httpx2", "httpcore2", "authlib", "python_multipart"):
        logging.getLogger(name).setLevel("WARNING")  # they would print tokens and addresses


class _Forward(logging.Handler):
    """Lines that libraries write through `logging` go the same way."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info or None
        logger.log(record.levelno, record.getMessage(), source=record.name, exc_info=error)


def _encode(event: Any, **options: Any) -> bytes:
    return orjson.dumps(event, default=str)


def route_path(scope: Mapping[str, Any]) -> str:
    """The template of the route that matched, "-" if none did: what was asked for is not written.

    An address that was typed wrong may hold anything, a national number too.
    """
    return getattr(scope.get("route"), "path", "-")
