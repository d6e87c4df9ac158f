"""The conditions that a login must meet before the application gets its answer.

Each check is named after what is missing (`consent_required`) and gives the `LoginStep` that would
mend that, or None. `login.interaction.CHECKS` has them in order. One module a subject:

authentication  somebody is signed in, recently enough, with a device that is good enough
capacity        in which capacity the person acts
permission      what the operator's rules let that capacity obtain
consent         what the person allowed
desk_act        one act at the help desk that a tool asks to do
"""
