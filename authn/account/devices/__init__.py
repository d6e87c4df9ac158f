"""My devices: seeing, naming, adding, blocking, resuming and removing them.

`device_endpoints` has the list, `add_endpoints` adds, `status_endpoints` blocks, resumes and
removes, `identity_endpoints` raises the identity level, `recovery_endpoints` decides about old
devices after an account recovery. The pages show `views`.
"""
