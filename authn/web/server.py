"""How uvicorn serves an application of ours."""

from typing import Any

from authn.settings import Settings

BACKLOG = 2048


def server_options(settings: Settings) -> dict[str, Any]:
    """uvicorn's options for these settings."""
    return {
        "host": settings.host,
        "port": settings.port,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "ws": "none",  # nothing of ours speaks it, and uvicorn logs its address and query
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies or None,
        "backlog": BACKLOG,
        "timeout_graceful_shutdown": 5,
    }
