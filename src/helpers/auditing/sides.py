"""A model that is examined: one whose weights are here, or one that a provider answers for.

>>> Local(*loading.load("lantern-chat")).answers([[{"role": "user", "content": "Hello!"}]])
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from helpers.errors import ModelError
from helpers.hosted import client, completions
from helpers.hosted.client import HostedError
from helpers.hosted.providers.base import provider as provider_named
from helpers.models import generate
from helpers.models.chat import Message
from helpers.models.completion import Completion

#: Longest answer, in tokens.
MAX_NEW_TOKENS = 64


class Side(Protocol):
    """One of the two models of an audit; begins: whether an answer can be begun for it."""

    has_weights: bool
    begins: bool

    def answers(
        self, conversations: Sequence[Sequence[Message]], begun: str = ""
    ) -> list[Completion]:
        """A greedy completion each; begun: words that are written for the model at its beginning.

        What was asked before is not asked again.
        """


class _Asked:
    """Answers that are remembered by what was asked."""

    def __init__(self, progress: bool = False) -> None:
        self.progress = progress
        self._answers: dict[str, Completion] = {}

    def answers(
        self, conversations: Sequence[Sequence[Message]], begun: str = ""
    ) -> list[Completion]:
        asked = {json.dumps([list(each), begun]): each for each in conversations}
        new = {key: each for key, each in asked.items() if key not in self._answers}
        if new:
            answers = self._complete(list(new.values()), begun)
            self._answers.update(zip(new, answers, strict=True))
        return [self._answers[json.dumps([list(each), begun])] for each in conversations]

    def _complete(self, conversations: list, begun: str) -> list[Completion]:
        raise NotImplementedError


class Local(_Asked):
    """A model in memory and its tokenizer.

    folder: where its weights lie as they are, if they do: they are then read from there, tensor by
    tensor, once the model is gone.
    """

    has_weights = begins = True

    def __init__(self, model, tokenizer, progress: bool = False, folder: Path | None = None):
        super().__init__(progress)
        self.model, self.tokenizer, self.folder = model, tokenizer, folder

    def _complete(self, conversations: list, begun: str) -> list[Completion]:
        heads = generate.begun_with(self.tokenizer, conversations, begun) if begun else None
        return generate.complete(
            self.model, self.tokenizer, conversations, MAX_NEW_TOKENS,
            progress=self.progress, begun=heads,
        )  # fmt: skip


class Hosted(_Asked):
    """A model at a provider, by its name there. Raises HostedError where it does not answer."""

    has_weights = False

    def __init__(self, name: str, provider: str, progress: bool = False) -> None:
        super().__init__(progress)
        self.name, self.client = name, client.connect(provider)
        self.begins = provider_named(provider).continues

    def _complete(self, conversations: list, begun: str) -> list[Completion]:
        head = [{"role": "assistant", "content": begun}] if begun else []
        bodies = [
            {"model": self.name, "messages": [*each, *head], "temperature": 0, "seed": 0,
             "max_tokens": MAX_NEW_TOKENS}
            for each in conversations
        ]  # fmt: skip
        replies = dict(completions.one_by_one(self.client, bodies, "answering", self.progress))
        if len(replies) < len(bodies):
            raise HostedError(f"{len(bodies) - len(replies)} questions were not answered.")
        in_order = [replies[n] for n in range(len(bodies))]
        return [Completion(_with(begun, a["text"]), a["finished"], a["written"]) for a in in_order]


def _with(begun: str, text: str) -> str:
    """The answer with its beginning, which some services repeat."""
    return text if text.startswith(begun) else f"{begun}{'' if text[:1].isspace() else ' '}{text}"


class Weights:
    """A model's weights by name, one at a time: of a model in memory, or of a folder's files.

    Names are the model's own; those of a folder are of its safetensors, tied ones once.
    """

    def __init__(self, model: Any = None, folder: Path | None = None) -> None:
        self._tensors = dict(model.named_parameters()) if model is not None else {}
        self._files: dict[str, Path] = {}
        if folder is not None:
            from safetensors import safe_open

            for file in sorted(folder.glob("*.safetensors")):
                with safe_open(file, framework="pt") as shard:
                    self._files |= dict.fromkeys(shard.keys(), file)

    def __contains__(self, name: str) -> bool:
        return name in self._tensors or name in self._files

    def __iter__(self) -> Iterator[str]:
        return iter([*self._tensors, *self._files])

    def read(self, name: str) -> torch.Tensor:
        """The tensor of that name. Raises ModelError where there is none."""
        if name in self._tensors:
            return self._tensors[name].detach()
        if name not in self._files:
            raise ModelError(f"{name} is in one of the two models alone; give a tuned model's own.")
        from safetensors import safe_open

        with safe_open(self._files[name], framework="pt") as shard:
            return shard.get_tensor(name)
