"""What a domain function gets when no request asks for it."""

from sqlalchemy import Connection

from authn.db.occasion import Job
from authn.web.site import Site


def job(site: Site, connection: Connection) -> Job:
    """The occasion of a command or a worker, in this transaction, at the site's own time."""
    return Job(connection, site.settings, site.secrets, site.clock())
