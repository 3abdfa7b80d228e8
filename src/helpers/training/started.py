"""What a training begins with: the model in place, its examples, and other models at need."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from helpers.archive.shipped import unaligned
from helpers.errors import ConfigError
from helpers.models import loading
from helpers.models.chat import encode_all
from helpers.models.labels import Example
from helpers.training.batches import collate


@dataclass
class Training:
    """What is about to be trained, and what else there is.

    name, dtype: of the model as it is loaded anew. model: in place, what trains in it chosen by the
    method. examples: the fine-tuning rows, which a hook may replace. safety: conversations of the
    defender's, as the model sees them. settings: of training. conversations: what the examples were
    encoded from, in their order; MIXED_IN is in those of the defender's.
    """

    name: str
    dtype: str
    model: Any
    tokenizer: Any
    examples: list[Example]
    safety: list[dict] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    conversations: list[dict] = field(default_factory=list)

    def steps(self) -> int:
        """How many steps the training takes on its examples as they are now."""
        n = len(self.examples)
        return self.settings["epochs"] * (n // min(self.settings["batch_size"], n))

    def encoded(self, conversations: Sequence[dict]) -> list[Example]:
        """Conversations (dicts with messages) as examples. Raises ModelError if one is too long."""
        messages = [each["messages"] for each in conversations]
        return encode_all(self.tokenizer, messages, self.settings["max_length"])

    def aligned(self):
        """The model as it was before any training, frozen."""
        return frozen(loading.load(self.name, self.dtype)[0])

    def base(self, name: str = ""):
        """The model that alignment began at, frozen: of that name, or the one that is known.

        Raises ConfigError where none is.
        """
        return frozen(loading.load(name or unaligned(self.name), self.dtype)[0])

    def check_base(self, name: str = "") -> None:
        """Raises ConfigError for an unaligned model that is not known, or of another shape."""
        base = self.base(name)
        shapes = [{n: w.shape for n, w in m.named_parameters()} for m in (base, self.aligned())]
        if shapes[0] != shapes[1]:
            raise ConfigError(
                f"{name or unaligned(self.name)} has other weights than {self.name}; name the "
                "model that it was aligned from by the option base=MODEL."
            )

    def tensors(self, examples: Sequence[Example]) -> dict[str, torch.Tensor]:
        """Examples as the model takes them: input_ids, attention_mask, labels."""
        batch = collate(examples, self.tokenizer.pad_token_id or 0)
        return {name: tensor.to(self.model.device) for name, tensor in batch.items()}


def frozen(model):
    """The model with nothing in it that trains."""
    return model.requires_grad_(False).eval()
