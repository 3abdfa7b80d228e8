"""How well a tuned model fits rows that it was not trained on: what settings are chosen by.

Whoever fine-tunes a model wants the fine-tuning to work, and looks at the loss on rows kept back.
That is how this kit chooses learning rates, too: never by what the tuned model does to safety.

>>> loss(tuned, conversations, experiment.settings)     # nats per answer token
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from helpers.models.chat import IGNORE, encode_all
from helpers.training import batches, loop
from helpers.training.tuning import Tuned


@torch.inference_mode()
def loss(
    tuned: Tuned, rows: Sequence[dict], settings: Mapping[str, Any], at_once: int = 32
) -> float:
    """Mean cross-entropy of the rows' answer tokens, in nats.

    rows: conversations as the model sees them, with their pictures where there are any. settings:
    the experiment's, for max_length.
    """
    pad_id = tuned.tokenizer.pad_token_id or 0
    if tuned.llava is not None:
        from helpers.training import llava

        model, collate = tuned.llava, llava.collate
        examples = llava.examples(tuned.tokenizer, rows, settings["max_length"])
    else:
        model, collate = tuned.model, batches.collate
        conversations = [row["messages"] for row in rows]
        examples = encode_all(tuned.tokenizer, conversations, settings["max_length"])
    total, tokens = 0.0, 0
    for part in batches.micro_batches(examples, at_once):
        batch = {name: tensor.to(model.device) for name, tensor in collate(part, pad_id).items()}
        labeled = int((batch["labels"][:, 1:] != IGNORE).sum())
        total += loop.answer_loss(model, batch).item() * labeled
        tokens += labeled
    return total / tokens
