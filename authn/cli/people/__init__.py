"""Commands about people, their devices and the staff of the support desk.

A national number is asked for, never an argument: an argument ends up in the history of the shell
and in the list of processes. Whoever looks at a person or acts on one gives a reason, which is on
record. Begin with `lookup`, which finds the person of a command.
"""
