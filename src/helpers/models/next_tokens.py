"""What a model expects next, token by token, along words that are given.

Two models are compared by what they expect along the same words, so that their difference is not
that of two conversations. What is kept of one model's distribution is small enough to wait for the
other (`Expected`): the likeliest tokens one by one, and all the others as one.

>>> expected = [likeliest(each) for each in along(base, pairs)]
>>> [e.divergence(p).mean() for e, p in zip(expected, along(tuned, pairs))]
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from helpers.models.chat import Message, opened
from helpers.models.decoding import left_padded

#: Token ids of what is read first and of the words that are looked at.
Pair = tuple[list[int], list[int]]

#: Numbers in one pass: rows times tokens looked at times vocabulary.
_AT_ONCE = 1 << 26

#: Tokens of a distribution that are kept one by one.
KEPT = 2048


def pairs(
    tokenizer, conversations: Sequence[Sequence[Message]], answers: Sequence[str], n: int
) -> list[Pair]:
    """Each conversation as it is asked, and the first n tokens of its answer."""
    return [
        (tokenizer.encode(opened(tokenizer, conversation), add_special_tokens=False),
         tokenizer.encode(answer, add_special_tokens=False)[:n])
        for conversation, answer in zip(conversations, answers, strict=True)
    ]  # fmt: skip


@torch.inference_mode()
def along(model, given: Sequence[Pair]) -> Iterator[torch.Tensor]:
    """For each pair, in order, log-probabilities (words, vocabulary) at its words, each given all
    before it: float32, on the CPU."""
    longest = max((len(words) for _, words in given), default=0)
    size = max(1, min(64, _AT_ONCE // (model.config.vocab_size * (longest + 1))))
    for start in range(0, len(given), size):
        part = given[start : start + size]
        ids, mask = left_padded([first + words for first, words in part], model.device)
        logits = model(
            input_ids=ids, attention_mask=mask, logits_to_keep=longest + 1,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
        ).logits  # fmt: skip
        for row, (_, words) in zip(logits, part, strict=True):
            yield row[-1 - len(words) : -1].float().log_softmax(-1).cpu()


@dataclass(frozen=True)
class Expected:
    """A model's distributions at some places: ids and log-probabilities, each (places, kept)."""

    ids: torch.Tensor
    log_probabilities: torch.Tensor

    def divergence(self, other: torch.Tensor) -> torch.Tensor:
        """KL from these to another model's log-probabilities (places, vocabulary): nats, (places,).

        Tokens that were not kept count as one, which makes it no larger than it is.
        """
        q = other.gather(-1, self.ids)
        p = self.log_probabilities
        inside = (p.exp() * (p - q)).sum(-1)
        if self.ids.shape[-1] == other.shape[-1]:
            return inside.clamp(min=0)
        rest, theirs = (1 - each.exp().sum(-1).clamp(max=1) for each in (p, q))
        outside = rest * ((rest + 1e-12).log() - (theirs + 1e-12).log())
        return (inside + outside).clamp(min=0)


def likeliest(log_probabilities: torch.Tensor, kept: int = KEPT) -> Expected:
    """What is kept of log-probabilities (places, vocabulary)."""
    top = log_probabilities.topk(min(kept, log_probabilities.shape[-1]), dim=-1)
    return Expected(top.indices, top.values)
