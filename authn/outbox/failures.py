"""How delivering can fail. Each text is short, and safe for a log: it names nobody."""


class DeliveryFailed(Exception):
    """It was not delivered; in one of the three ways below."""


class DeliveryRefused(DeliveryFailed):
    """Never will be: the other side said so of this one."""


class DeliveryNotBegun(DeliveryFailed):
    """Not now; another row may well be."""


class DestinationUnreachable(DeliveryFailed):
    """Nothing can be delivered at present: the other side does not answer, or not as it must."""
