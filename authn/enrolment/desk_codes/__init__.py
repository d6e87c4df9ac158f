"""Codes of the desk: activation codes in two halves that a registrar or a local operator asks for.

Begin with `lifecycle`.
"""
