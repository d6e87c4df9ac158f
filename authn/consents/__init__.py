"""What a person allowed an application: one row for each scope, remembered until withdrawn.

scopes                 the registry of scopes and claims
authorization_details  the registry of their types
asked                  what a request asks, by the names under which consents are kept
consents               giving, and what of it holds
ends                   until when it holds, as people choose
withdrawal             taking it back, and whom that concerns

Why what was declined has rows too: so that it is not asked each time. A row is of one capacity
(`Profile.consent_id`): who allowed something as a citizen has not allowed it for somebody else.
"""
