"""The support desk: pages on which staff help a person, register citizens, and run the service.

Every look and every act is by a member of staff at one of their desks, in a role that permits it
(`staff.roles`), and recorded in the audit log; about a person also for a reason. An act on a person
is confirmed with the agent's own device; an act with much risk waits for a second member of staff.
Nobody acts on themselves.

Begin with `staff_endpoints` (who may call what), then `acts` (what is done to a person, by pages,
API and command line alike) and `approvals` (four eyes). The room may know every room in a layer
below its own; `desk_api` builds on it.
"""
