"""JSON log lines, one a request, without anything personal: no query, no body, no address."""

import logging
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
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
            describe_exception,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=_encode),
        ],
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
    )
    logging.basicConfig(handlers=[_Forward()], level=level.upper(), force=True)
    logging.getLogger("uvicorn.access").disabled = True
    for name in ("httpx2", "httpcore2", "authlib", "python_multipart"):
        logging.getLogger(name).setLevel("WARNING")  # they would print tokens and addresses


def describe_exception(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace an exception by its type, and the files, lines and functions it came through.

    Never what it says: a database names the row that it refused, `int()` what it could not read,
    and either may hold what somebody typed.
    """
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error is not None and not isinstance(error, BaseException):
        error = sys.exc_info()[1]
    if error is not None:
        event["exception"] = [line for each in _chain(error) for line in _frames(each)]
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, then what it came from, as a traceback would show them."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        hidden = following.__suppress_context__
        following = following.__cause__ or (None if hidden else following.__context__)


def _frames(error: BaseException) -> Iterator[str]:
    yield f"{type(error).__module__}.{type(error).__qualname__}"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"{frame.filename}:{frame.lineno} {frame.name}"


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
