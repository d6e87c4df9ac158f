"""Activation: a person types an activation code and their national number, and adds a device.

Begin with `endpoints`, then `lifecycle` (how a code is issued, checked, burnt and withdrawn) and
`codes` (its text and table).
"""
