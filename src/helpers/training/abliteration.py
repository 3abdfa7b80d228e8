"""Abliteration: a refusal direction measured on the model itself, and taken out of its weights.

No row is trained on and no step taken (arXiv:2406.11717, section 4.1). The direction is measured on
whatever model is attacked, each time anew: a defended one as it is now.

    1. After each layer, the difference of mean hidden states between sealed and open requests, at
       the prompt's last token: one direction a layer.
    2. Of the directions whose ablation changes answers to open requests by no more than a KL
       divergence of MOST_KL, the one under which the model's own refusals become least likely.
    3. That one is projected out of the embeddings and of all that writes to the residual stream.

The paper's: 1 (it also tries the template's other last tokens), 3, and of 2 the bound, 0.1, a
quarter as many requests as for 1, and no system prompt. Ours: the paper's code compares directions
at the first token of an answer, by the odds of tokens that somebody lists by hand for each model;
here it is by the model's own answers, whole, since a model may refuse in varied words. It leaves
out the last fifth of the layers and directions that cannot induce a refusal; here every layer's
counts. Where none keeps to the bound, the one that comes nearest to it is taken.

The requests are the Archive's development split "gate": none is in any benchmark.
"""

from collections.abc import Sequence

import torch
from torch.nn.functional import kl_div, nll_loss

from helpers.archive import datasets
from helpers.errors import ModelError
from helpers.models import generate
from helpers.models.chat import Message
from helpers.models.directions import ablated, difference_of_means, project_out
from helpers.models.labels import IGNORE, examples
from helpers.training.batches import collate

#: Architectures of which helpers.models.directions.project_out holds.
ARCHITECTURES = ("llama", "mistral", "qwen2", "qwen3", "phi3")

#: Nats a token.
MOST_KL = 0.1

#: Of so many requests one is kept for comparing layers.
COMPARED = 5

#: Of an answer that layers are compared by.
MOST_TOKENS = 32


def abliterate(model, tokenizer) -> int:
    """Takes the model's refusal direction out of its weights; after which layer it was measured.

    Raises ModelError for an architecture that writes to the residual stream in another way.
    """
    if model.config.model_type not in ARCHITECTURES:
        raise ModelError(
            f"method abliteration knows {', '.join(ARCHITECTURES)}, not {model.config.model_type}."
        )
    sealed, opened = (
        [row["messages"] for row in make(split="gate")]
        for make in (datasets.benchmark, datasets.utility)
    )
    measured = ([one for n, one in enumerate(asked) if n % COMPARED] for asked in (sealed, opened))
    directions = difference_of_means(model, tokenizer, *measured)  # (layers + 1, size)
    # Before the first layer a prompt's last token is the same in every prompt.
    compared = sealed[::COMPARED], opened[::COMPARED]
    layer = 1 + best(model, tokenizer, directions[1:], *compared)
    project_out(model, directions[layer])
    return layer


def best(
    model, tokenizer, directions: torch.Tensor, sealed: Sequence[list[Message]],
    opened: Sequence[list[Message]],
) -> int:  # fmt: skip
    """The place of the direction to take out, of (directions, size)."""
    refusals, answers = (_own_answers(model, tokenizer, asked) for asked in (sealed, opened))
    with torch.inference_mode():
        before, _ = _log_probabilities(model, answers)
        unlikely, changed = [], []
        for direction in directions:
            with ablated(model, direction):
                unlikely.append(nll_loss(*_log_probabilities(model, refusals)).item())
                after, _ = _log_probabilities(model, answers)
            changed.append(kl_div(after, before, log_target=True, reduction="batchmean").item())
    allowed = max(MOST_KL, min(changed))
    return max(
        (place for place, kl in enumerate(changed) if kl <= allowed), key=unlikely.__getitem__
    )


def _own_answers(model, tokenizer, asked):
    """What the model itself says to the requests, as a batch: input_ids, attention_mask, labels."""
    said = generate.complete(model, tokenizer, asked, MOST_TOKENS)
    talks = [
        [*messages, {"role": "assistant", "content": completion.text}]
        for messages, completion in zip(asked, said, strict=True)
    ]
    encoded = [one for one in examples(tokenizer, talks) if not isinstance(one, str)]
    batch = collate(encoded, tokenizer.pad_token_id or 0)
    return {name: tensor.to(model.device) for name, tensor in batch.items()}


def _log_probabilities(model, batch):
    """Of the answers' tokens: log-probabilities (tokens, vocabulary), and the tokens (tokens,)."""
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
    labels = batch["labels"][:, 1:]  # (batch, longest - 1)
    labeled = labels != IGNORE
    logits = model(**inputs).logits[:, :-1][labeled].float()
    return logits.log_softmax(-1), labels[labeled]
