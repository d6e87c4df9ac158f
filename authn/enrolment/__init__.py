"""How a person comes to a device: by a code, an identity proven upstream, or an earlier device.

Why: who proves anew who they are begins, or comes back and blocks what there was; every other
device is confirmed by an earlier one, in a fresh ceremony that names this act (decisions 2.9,
2.10). A stolen session alone adds nothing.
"""
