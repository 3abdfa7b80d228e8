"""The provider that the kit brings along, started where a run needs it."""

from dataclasses import dataclass

from helpers.hosted import embedded
from helpers.hosted.providers.base import Provider


@dataclass(frozen=True)
class Embedded(Provider):
    """No address or key is needed, and none of the environment is read."""

    def where(self) -> str:
        return "embedded"

    def connection(self) -> tuple[str, str]:
        return embedded.start()


PROVIDER = Embedded("embedded", refusal_codes=("moderation_blocked", "audit_failed"))
