"""The pages of a login after signing in, with their endpoints and the texts that they show.

Consent, choice of a capacity, what may not be obtained, the code of another screen. Which page is
next is decided in `login.interaction`, not here.
"""
