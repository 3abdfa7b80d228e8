"""What every route works on: the provider's records, its answers and its defenses, in one value.

Over HTTP FastAPI hands a route the one of its app; a test hands it one of its own.

>>> service = Service(records, Answers(records))
>>> await files.retrieve_file(service, "file-1c9e...")
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from helpers.provider.answers import Answers
from helpers.provider.errors import ApiError
from helpers.provider.records import Records


@dataclass
class Service:
    """A provider without its HTTP.

    defenses: those that every job meets. per_job: whether a job's metadata may name more of them.
    """

    records: Records
    answers: Answers
    defenses: Sequence[str] = ()
    per_job: bool = False
    tasks: set[asyncio.Task] = field(default_factory=set)

    def record(self, kind: str, id: str, param: str = "") -> dict:
        """The record. Raises ApiError 404, which names the parameter that held the id."""
        body = self.records.get(kind, id)
        if body is None:
            code = "model_not_found" if kind == "model" else "not_found"
            what = param or kind
            raise ApiError(404, f"The {what} {id!r} does not exist.", code, what)
        return body

    def in_background(self, work: Coroutine) -> None:
        """Carry the work out while the server goes on answering."""
        task = asyncio.create_task(work)
        self.tasks.add(task)  # the event loop alone would not keep it alive
        task.add_done_callback(self.tasks.discard)


async def service_of(request: Request) -> Service:  # async, so that no thread is started for it
    return request.app.state.service


#: How a route asks for the service.
ServiceDep = Annotated[Service, Depends(service_of)]
