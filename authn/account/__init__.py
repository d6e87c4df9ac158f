"""The holder's own pages: devices, addresses, applications, capacities, activity, signing out.

`endpoints` lists the routes; `devices` is a room of its own. Every page needs a session
(`required_session`), but for the links in mails and the well-known documents.

Why: looking and naming need a session; adding and removing need a device in hand, at that moment,
for that act and that target (decisions 2.9). A stolen session or an unlocked screen is not enough.
"""
