"""How delivering can fail. Each text is short, and safe for a log: it names nobody."""


class Undelivered(Exception):
    """It was not delivered; in one of the three ways below."""


class Refused(Undelivered):
    """Never will be: the other side said so of this one."""


class Unsent(Undelivered):
    """Not now; another row may well be."""


class Unreachable(Undelivered):
    """Nothing can be delivered at present: the other side does not answer, or not as it must."""
