"""What a person allowed an application: one row for each scope, kept until withdrawn.

Begin with `consents`: giving, the end that people choose, withdrawing. `consent_names` has the
names under which a request is asked, `scopes` and `authorization_details` (with `desk_acts`) are
the registries of what can be asked, `registrable` is what a client can be registered with,
`merging` joins the consents of two accounts of one person. The room knows clients and grants; it
knows no page.

Why what was declined has rows too: so that it is not asked each time. A row is of one capacity
(`Profile.consent_id`): who allowed something as a citizen has not allowed it for somebody else.
"""
