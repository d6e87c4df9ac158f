"""/desk/audit/chain: how far the log is chained, its signed days, and a check of the last one."""

from dataclasses import replace

from starlette.responses import Response

from authn.audit.days import signed_days
from authn.audit.log import record
from authn.console.audit_chain import MOST_AT_ONCE, chain_view, check_of_day
from authn.console.desk import DeskSession, at_desk, nothing_here
from authn.console.outside import done_outside
from authn.console.routes import desk_form, desk_page
from authn.console.shown import desk_answer
from authn.web.request import Request, redirect


@at_desk("see-audit")
def audit_chain(request: Request, desk: DeskSession) -> Response:
    """The chain as it is now."""
    chain = chain_view(request.connection, request.now)
    return desk_answer(
        request, desk, "console/audit_chain.html", chain=chain, most_at_once=MOST_AT_ONCE
    )


@at_desk("see-audit")
def audit_verify(request: Request, desk: DeskSession) -> Response:
    """The last signed day is held against what was written; what was found is on record."""
    days = signed_days(request.connection)
    if not days or days[-1].day.rows > MOST_AT_ONCE:
        raise nothing_here()
    found = done_outside(request, "verify", lambda: check_of_day(request.site, days[-1]))
    event = replace(found, actor_id=desk.person_id)
    record(request.connection, request.secrets, event, request.now, request.reference)
    return redirect("/desk/audit/chain")


routes = [
    desk_page("/desk/audit/chain", audit_chain),
    desk_form("/desk/audit/chain/verify", audit_verify),
]
