"""The dialect in which a service takes a request, learned from what it refuses.

Models that think want max_completion_tokens, with room for the thought, and no temperature; some
services know no JSON schema, or no seed. A refusal names what it does not take and costs nothing.
What was learned of a model holds as long as the process lives.

>>> Dialect().after("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
Dialect(thinks=True, formats=('json_schema', 'json_object', ''), left_out=())
"""

import re
from dataclasses import dataclass, replace

#: For each token of a reply, so many are allowed to a model whose thought is counted with it.
ROOM = 10

#: Names of models that are taken to think, for what they may cost; what is sent follows refusals.
THINKS = re.compile(r"(?:^|/)(?:o\d|gpt-[5-9])|think|reason|-r\d\b", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """thinks: whether tokens are counted with the thought. formats: those of a reply that may
    still be asked for, the last being none. left_out: parameters that are not sent."""

    thinks: bool = False
    formats: tuple[str, ...] = ("json_schema", "json_object", "")
    left_out: tuple[str, ...] = ()

    def body(self, body: dict) -> dict:
        """The body of a chat completion in this dialect."""
        body = {name: value for name, value in body.items() if name not in self.left_out}
        if self.thinks and "max_tokens" in body:
            body["max_completion_tokens"] = ROOM * body.pop("max_tokens")
        if self.formats[0] == "json_object":
            body["response_format"] = {"type": "json_object"}
        elif not self.formats[0]:
            body.pop("response_format", None)
        return body

    def after(self, refusal: str) -> "Dialect | None":
        """The dialect to try next; None where the refusal names nothing that could be left out."""
        refusal = refusal.lower()
        if not self.thinks and ("max_tokens" in refusal or "max_completion_tokens" in refusal):
            return replace(self, thinks=True)
        if len(self.formats) > 1 and any(
            word in refusal
            for word in ("response_format", "response format", "json_schema", "json schema",
                         "json_object", "structured output")
        ):  # fmt: skip
            return replace(self, formats=self.formats[1:])
        for name in ("temperature", "seed"):
            if name in refusal and name not in self.left_out:
                return replace(self, left_out=(*self.left_out, name))
        return None
