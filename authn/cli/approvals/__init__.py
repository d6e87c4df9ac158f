"""Acts of a local operator (who has a shell on the host) that need a second person.

What a local operator asks for is stored as a request, and a second person decides at the desk; as
long as nobody could decide, one alone does what two must do, with a warning and on record.

`desk_acts` does what the support desk does to people, `two_operators` what gives an application or
a member of staff much; `approvals` are the commands that show and withdraw requests.
"""
