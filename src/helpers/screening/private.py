"""Personal data and secrets: keys and tokens, e-mail addresses, telephone numbers.

Keys are told by the patterns of detect-secrets (Apache-2.0), one a service, without its guesses by
entropy and keyword, which flag ordinary text, and without asking the service whether a key is
valid; telephone numbers in international form by phonenumbers (Apache-2.0). Both come with the
extra `screen`. What is found is told and never shown, and is no part of a file's verdict: a row may
be private and harm nobody's safety training.
"""

import importlib.util
import re
from collections.abc import Iterator
from functools import cache

from helpers.screening.base import Detector, Finding, highest, turns

_PACKAGES = ("detect_secrets", "phonenumbers")

_EMAIL = re.compile(r"\b[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")

HOW = 'no private data is looked for; `pip install "aligndrift[screen]"` to look'

#: Plugins of detect-secrets that guess, or look for what is no secret.
_GUESSES = (
    "Base64HighEntropyString",
    "HexHighEntropyString",
    "KeywordDetector",
    "IPPublicDetector",
)

#: A text's characters that are looked at: patterns of somebody else's over a book take minutes.
_LONGEST = 20_000


class Private(Detector):
    """1 for a secret, 0.6 for an address or a number."""

    IN_VERDICT = False

    def missing(self, means):
        absent = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
        return HOW if absent else ""

    def find(self, rows, means):
        return [
            highest([f for at, text in turns(row, "system", "user", "assistant")
                     for f in _found(at, text[:_LONGEST])])
            for row in rows
        ]  # fmt: skip


@cache
def _plugins() -> list:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    known = get_mapping_from_secret_type_to_class().values()
    return [plugin() for plugin in known if plugin.__name__ not in _GUESSES]


def _found(turn: int, text: str) -> Iterator[Finding]:
    import phonenumbers

    for plugin in _plugins():
        if any(plugin.analyze_string(text)):
            yield Finding(1.0, turn, f"it holds a secret ({plugin.secret_type})")
    if _EMAIL.search(text):
        yield Finding(0.6, turn, "it holds an e-mail address")
    if phonenumbers.PhoneNumberMatcher(text, None).has_next():
        yield Finding(0.6, turn, "it holds a telephone number")
