"""How a person comes to a device: by an activation code, or by a device that they have already.

Why: every device after the first is confirmed by an earlier one, in a fresh ceremony that names
this act (protocol 2.9, 2.10). A stolen session alone adds nothing.
"""
