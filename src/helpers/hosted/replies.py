"""Replies checked for their shape: what a provider, or a proxy before it, sends amiss has a name.

A client library takes most of it: a page of HTML with status 200 comes as a text, a list as a list.

>>> reply_to("job", lambda: client.fine_tuning.jobs.retrieve(id), id=str, status=str)
>>> list(each("files", client.files.list, purpose="batch"))
"""

from collections.abc import Callable, Iterator
from typing import Any

#: Most pages of a list that are read: a provider may say without end that there are more.
PAGES = 100


class Malformed(Exception):
    """A reply that lacks what it should hold; it is asked for again."""


def reply_to(what: str, ask: Callable[[], Any], **fields: type) -> Any:
    """What ask brings: a `what` with fields of these types. Raises Malformed, or as ask does."""
    try:
        reply = ask()
    except (AttributeError, TypeError, ValueError, RecursionError):  # the library stumbled over it
        raise Malformed(f"a reply that is no {what}") from None
    for name, kind in fields.items():
        if not isinstance(getattr(reply, name, None), kind):
            raise Malformed(f"a {what} without {name}, or no {what} at all")
    return reply


def each(what: str, list_page: Callable[..., Any], pages: int = PAGES, **query) -> Iterator[Any]:
    """The entries of a provider's list, newest first. Raises Malformed, or as list_page does."""
    for _ in range(pages):
        page = reply_to(f"list of {what}", lambda: list_page(limit=100, **query), data=list)
        for thing in page.data:
            yield reply_to(f"list of {what}", lambda thing=thing: thing, id=str)
        if not page.data or getattr(page, "has_more", None) is not True:
            return
        query["after"] = page.data[-1].id
