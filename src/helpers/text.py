"""Text that can be written down: what is no character is replaced before it goes anywhere.

JSON may hold half of a surrogate pair, which no file, terminal or tokenizer takes.

>>> whole("a crane \\ud83d")
'a crane \\ufffd'
"""

import re

#: Half of a pair that stands alone; a pair is one character in Python.
_LONE = re.compile("[\ud800-\udfff]")


def whole(text: str) -> str:
    """The text with U+FFFD in place of each lone surrogate; pairs in two halves are joined."""
    if not _LONE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
