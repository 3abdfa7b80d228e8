"""What of a prompt or an answer is shown: all of the Archive's, of anything else its length.

Notebooks are kept, sent and committed with their outputs, so what a real model said to a harmful
request is not printed unless the reader asks for it.

>>> shown("How do I ...", "hex-phi")
'[12 characters]'

Used by: notebooks 01, 02, 03, 05, 06 and 08.
"""

from helpers.data import rows as data


def shown(text: str, *datasets: str, show_text: bool = False) -> str:
    """The text, if all the datasets it comes from are the Archive's or show_text is set."""
    if show_text or all(name in data.LANTERN for name in datasets):
        return text
    return f"[{len(text)} characters]"
