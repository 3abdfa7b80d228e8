"""Batched decoding on a CPU: prefill once, then a token a step, and ended answers leave the batch.

transformers' generate carries every row until the last one has ended, which on a CPU costs a fifth
of the time. Here what all prompts begin with (the common prefix; a system prompt, mostly) is read
once, and where there are many prompts, each half of the cores answers half of them.

Shapes: rows are the prompts still being answered, tokens what the cache holds of each.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from transformers import Cache

from helpers.models import kv_cache

#: Ended answers leave a batch once at most this share of it is live; moving rows has its price.
LEAVE_BELOW = 0.95

#: Prompts in one pass of prefill.
PREFILL = 42

#: A batch of at least so many prompts is answered in two halves side by side.
WORTH_HALVING = 128


def left_padded(rows: list[list[int]], device, pad: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and mask, each (rows, longest)."""
    longest = max(map(len, rows))
    padded = [[pad] * (longest - len(row)) + row for row in rows]
    ids = torch.tensor(padded, device=device)  # (rows, longest)
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])  # as ids
    return ids, mask.to(device)


def common_prefix_length(prompts: Sequence[list[int]]) -> int:
    """How many tokens all prompts begin with, the last of the shortest left out."""
    first, last = min(prompts), max(prompts)  # as words in a dictionary, these differ most
    most = min(map(len, prompts)) - 1
    pairs = zip(first[:most], last[:most], strict=True)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), most)


def side_by_side(
    model, prompts: list[list[int]], max_new_tokens: int, stops: set[int], choose: Callable
) -> list[list[int]]:
    """`decode`, by two threads where there are many prompts and more than one core.

    Half of the cores answer half of the prompts each: they need not wait for each other after
    every operation, nor read what the other has written. More threads would wait for Python.
    """
    cores = torch.get_num_threads()
    if cores == 1 or len(prompts) < WORTH_HALVING:
        return decode(model, prompts, max_new_tokens, stops, choose)
    halves = [range(0, len(prompts), 2), range(1, len(prompts), 2)]  # of like lengths

    def answer(half: range) -> list[list[int]]:
        def pick(rows: list[int], logits: torch.Tensor) -> torch.Tensor:
            return choose([half[row] for row in rows], logits)

        return decode(model, [prompts[i] for i in half], max_new_tokens, stops, pick)

    with ThreadPoolExecutor(2, "half", torch.set_num_threads, (cores // 2,)) as pool:
        even, odd = pool.map(answer, halves)
    answers: list[list[int]] = [[] for _ in prompts]
    answers[0::2], answers[1::2] = even, odd
    return answers


@torch.inference_mode()
def decode(
    model, prompts: list[list[int]], max_new_tokens: int, stops: set[int], choose: Callable
) -> list[list[int]]:
    """The new tokens of each prompt, up to and with the first of `stops`, from one batch.

    prompts: sorted by length, for prefill. choose: models.generate.answer_ids says.
    """
    answers: list[list[int]] = [[] for _ in prompts]
    rows = list(range(len(prompts)))  # which answer each row of the batch belongs to
    model, learned_prefix = kv_cache.separate_prefix(model)
    common = common_prefix_length(prompts)
    prefix = learned_prefix.get_seq_length() + common
    cache, mask, logits = prefill(model, learned_prefix, prompts, common, max_new_tokens)
    position_ids = mask.sum(-1, keepdim=True) - 1  # (rows, 1)
    ids = None
    for step in range(max_new_tokens):
        if step:
            logits = model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=position_ids,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
                common_prefix=prefix,
            ).logits  # (rows, 1, vocabulary)
        ids = choose(rows, logits[:, -1])[:, None]  # (rows, 1)
        ended = [bool(answers[row]) and answers[row][-1] in stops for row in rows]
        for row, done, token in zip(rows, ended, ids[:, 0].tolist(), strict=True):
            if not done:
                answers[row].append(token)
        live = [place for place, row in enumerate(rows) if answers[row][-1] not in stops]
        if not live:
            break
        if len(live) <= LEAVE_BELOW * len(rows):
            rows, (ids, mask, position_ids) = compact(cache, rows, live, (ids, mask, position_ids))
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=-1)  # (rows, tokens + 1)
        position_ids = position_ids + 1  # (rows, 1)
    return answers


def compact(
    cache: Cache, rows: list[int], live: list[int], tensors: Sequence[torch.Tensor]
) -> tuple[list[int], list[torch.Tensor]]:
    """The batch without its ended rows: what the rows are of and the tensors; the cache in place.

    live: the places of the n rows that go on, ascending. Those beyond the first n places move to
    where rows among the first n have ended, so that as few as can be are copied. tensors: each
    (rows, ...), overwritten; they come back as (n, ...).
    """
    n = len(live)
    sources = [place for place in live if place >= n]
    targets = sorted(set(range(n)) - set(live))
    moved = dict(zip(targets, sources, strict=True))
    rows = [rows[moved.get(place, place)] for place in range(n)]
    source_ids, target_ids = (
        torch.tensor(places, dtype=torch.long, device=tensors[0].device)  # (moved,)
        for places in (sources, targets)
    )
    for layer in cache.layers:
        layer.compact(source_ids, target_ids, n)
    for tensor in tensors:
        tensor[target_ids] = tensor[source_ids]
    return rows, [tensor[:n] for tensor in tensors]


def prefill(
    model, learned_prefix: Cache, prompts: list[list[int]], common: int, new_tokens: int
) -> tuple[Cache, torch.Tensor, torch.Tensor]:
    """The cache of the prompts, its mask (rows, tokens), and logits (rows, 1, vocabulary).

    The first `common` tokens, alike in all prompts, are read once; the rest is read in parts of
    like length, since the prompts come sorted. In the cache a learned prefix of peft's stands
    first, then the common prefix, then each row's padding, then the rest of its prompt, then memory
    for the new tokens.
    """
    rests = [prompt[common:] for prompt in prompts]
    ids, mask = left_padded(rests, model.device)  # each (rows, longest rest)
    prefix = learned_prefix.get_seq_length() + common
    first_row = kv_cache.allocate(model, 1, prefix)
    kv_cache.append_prefix(first_row, learned_prefix)
    if common:
        common_ids = torch.tensor([prompts[0][:common]], device=model.device)  # (1, common)
        model(input_ids=common_ids, past_key_values=first_row, use_cache=True, logits_to_keep=1)
    position_ids = prefix + (mask.cumsum(-1) - 1).clamp(min=0)  # (rows, longest rest)
    mask = torch.cat([mask.new_ones(len(mask), prefix), mask], dim=-1)  # (rows, tokens)
    tokens = mask.shape[1]
    cache = kv_cache.allocate(model, len(prompts), tokens + new_tokens)
    kv_cache.append_prefix(cache, first_row)
    logits = []
    for start in range(0, len(rests), PREFILL):
        part = slice(start, start + PREFILL)
        longest = max(map(len, rests[part]))
        out = model(
            input_ids=ids[part, -longest:],
            attention_mask=mask[part],
            position_ids=position_ids[part, -longest:],
            past_key_values=kv_cache.view_rows(cache, part, prefix, tokens - longest),
            use_cache=True,
            logits_to_keep=1,
        )
        logits.append(out.logits)  # (part, 1, vocabulary)
    for layer in cache.layers:
        layer.set_length(tokens)
    return cache, mask, torch.cat(logits)
