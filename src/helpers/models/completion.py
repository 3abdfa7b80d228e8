"""What a model answers, whoever runs it: this machine, vLLM or a provider."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Completion:
    """An answer: its text, whether it ended by itself within the limit, its length in tokens."""

    text: str
    finished: bool
    n_tokens: int
