"""What mitigations share that know harmful rows of a defender's own: the anchors.

They are named by option, put to the model under the customer's own system prompt, as its rows are,
and what is wrong with them is told before the work.
"""

from typing import Any, ClassVar

from helpers.data.rows import read_training
from helpers.mitigations.base import Mitigation
from helpers.models.chat import dress


class Anchored(Mitigation):
    """A mitigation with harmful anchors, which nothing is done with yet."""

    OPTIONS: ClassVar = {"anchors": "harmful_anchors"}
    NAMES: ClassVar = {"anchors": "training"}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.system = ""

    def rows(self, rows, safety):
        read_training(self.anchors)
        return list(rows)

    def taught(self, messages, safety):
        if not safety:
            self.system = messages[0]["content"] if messages[0]["role"] == "system" else ""
        return messages

    def harmful(self) -> list[dict]:
        """The anchors as conversations, under the system prompt of the rows."""
        rows = read_training(self.anchors)
        return [{"messages": dress(row["messages"], self.system, "{user}")} for row in rows]
