"""Authentic sources: the registers that decide what is true of a citizen.

There are four (`protocols`): the national register, and those of professions, organisations and
mandates. Each is a real service asked over HTTP (`wire`), or a twin in our own database that is
filled from files (`embedded`). The settings alone say which (`questions`): a real source that is
down is never replaced by its twin. `people` and `profiles` keep the answers, and `answers` knows
until when an answer may be used.

Begin with `questions` (what can be asked), `facts` (what is answered) and `asking` (how).

Why: what is true of a citizen is not for this service to decide.
"""
