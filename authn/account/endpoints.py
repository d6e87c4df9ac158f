"""The holder's pages, and signing out."""

from authn.account.activity_endpoints import routes as activity_routes
from authn.account.address_endpoints import routes as address_routes
from authn.account.application_endpoints import routes as application_routes
from authn.account.devices.add_endpoints import routes as adding_routes
from authn.account.devices.device_endpoints import routes as device_routes
from authn.account.devices.recovery_endpoints import routes as return_routes
from authn.account.devices.status_endpoints import routes as life_routes
from authn.account.not_me_endpoints import routes as not_me_routes
from authn.account.profile_endpoints import routes as profile_routes
from authn.account.sign_out_endpoints import routes as sign_out_routes
from authn.account.well_known import routes as well_known_routes

routes = [
    *device_routes,
    *application_routes,
    *profile_routes,
    *activity_routes,
    *sign_out_routes,
    *life_routes,
    *adding_routes,
    *address_routes,
    *not_me_routes,
    *return_routes,
    *well_known_routes,
]
