"""What a person allowed an application: one row for each scope, remembered until withdrawn.

scopes                 the registry of scopes and claims
authorization_details  the registry of their types
asked                  what a request asks, by the names under which consents are kept
consents               giving, finding what is missing, withdrawing
"""
