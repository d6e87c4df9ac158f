"""Every route of the desk: one line a room of pages."""

from authn.console.act_endpoints import routes as act_routes
from authn.console.approval_endpoints import routes as approval_routes
from authn.console.audit_chain import routes as audit_chain_routes
from authn.console.audit_endpoints import routes as audit_routes
from authn.console.desk_activity_endpoints import routes as desk_activity_routes
from authn.console.find_endpoints import routes as find_routes
from authn.console.home_endpoints import routes as home_routes
from authn.console.login_endpoints import routes as login_routes
from authn.console.operator_client_acts import routes as operator_client_act_routes
from authn.console.operator_clients import routes as operator_client_routes
from authn.console.operator_request_endpoints import routes as operator_request_routes
from authn.console.operator_resource_acts import routes as operator_resource_act_routes
from authn.console.operator_resources import routes as operator_resource_routes
from authn.console.operator_upkeep import routes as operator_upkeep_routes
from authn.console.outcome_endpoints import routes as done_routes
from authn.console.person_change_endpoints import routes as entry_routes
from authn.console.person_endpoints import routes as person_routes
from authn.console.reason import routes as reason_routes
from authn.console.registration_endpoints import routes as registration_routes
from authn.console.registration_identity_endpoints import routes as registration_identity_routes

routes = [
    *login_routes,
    *home_routes,
    *reason_routes,
    *find_routes,
    *person_routes,
    *act_routes,
    *approval_routes,
    *done_routes,
    *entry_routes,
    *registration_routes,
    *registration_identity_routes,
    *desk_activity_routes,
    *audit_routes,
    *audit_chain_routes,
    *operator_request_routes,
    *operator_client_routes,
    *operator_client_act_routes,
    *operator_resource_routes,
    *operator_resource_act_routes,
    *operator_upkeep_routes,
]
