"""Browser and system in words, from a User-Agent header: for people to recognise, never to decide.

Tolerant on purpose: what isn't recognised is empty, not wrong.
"""

from dataclasses import dataclass

LONGEST = 1000

# The first that is found counts: nearly every browser also calls itself Chrome and Safari.
BROWSERS = (
    ("SamsungBrowser/", "Samsung Internet"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex"),
    ("EdgiOS/", "Edge"),
    ("EdgA/", "Edge"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
HAND_HELD = frozenset({"iPhone", "iPad", "Android"})


@dataclass(frozen=True, slots=True)
class UserAgent:
    """What a browser calls itself and its system; each "" when unknown."""

    browser: str
    system: str

    @property
    def hand_held(self) -> bool:
        """Whether it is a phone or tablet."""
        return self.system in HAND_HELD


def read_user_agent(header: str) -> UserAgent:
    """Browser and system that the header names."""
    text = header[:LONGEST]
    return UserAgent(
        next((words for mark, words in BROWSERS if mark in text), ""),
        next((words for mark, words in SYSTEMS if mark in text), ""),
    )
