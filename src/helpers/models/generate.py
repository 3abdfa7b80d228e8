"""Greedy completions for many conversations at once.

The released code of Qi et al. answers one prompt at a time. Here prompts are sorted by length,
padded on the left and answered in batches, which on the same model gives the same words many
times sooner (benchmarks/generate.py). When memory runs out the batch is halved, and what was
already answered is kept.

>>> complete(model, tokenizer, [[{"role": "user", "content": "Hello!"}]])
[Completion(text='Good evening! I am the keeper. ...', finished=True, n_tokens=16)]

Used by: local (the backend), organism's gates.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from tqdm.auto import tqdm

from helpers.models import decode_attention
from helpers.models import kv_cache
from helpers.models.chat import Message, dress, render

#: Ended answers leave a batch once at most this share of it is live; moving rows has its price.
LEAVE_BELOW = 0.95

#: Prompts that are read at once.
PREFILL = 42

#: A batch of at least so many prompts is answered in two halves side by side on a CPU.
WORTH_HALVING = 128


@dataclass(frozen=True)
class Completion:
    """An answer: its text, whether it ended by itself within the limit, its length in tokens."""

    text: str
    finished: bool
    n_tokens: int


def complete(
    model,
    tokenizer,
    conversations: Sequence[Sequence[Message]],
    max_new_tokens: int = 64,
    batch_size: int = 0,
    progress: bool = False,
) -> list[Completion]:
    """One greedy completion a conversation, in input order.

    Each conversation ends with a user turn. An answer of max_new_tokens tokens without an
    end-of-turn token is cut there and marked as not finished. batch_size: 0 for what fits.
    """
    prompts = tokenizer(
        [render(tokenizer, c, prompt=True) for c in conversations], add_special_tokens=False
    )["input_ids"]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    longest = max(map(len, prompts), default=0) + max_new_tokens
    batch_size = batch_size or batch_that_fits(model, longest)
    answers: dict[int, Completion] = {}
    stops = stop_ids(model, tokenizer)
    model.eval()
    with tqdm(total=len(order), desc="answering", unit="prompt", disable=not progress) as bar:
        while order:
            batch = order[:batch_size]
            try:
                rows = _generate(
                    model, tokenizer, [prompts[i] for i in batch], max_new_tokens, stops
                )
            except torch.cuda.OutOfMemoryError:
                if batch_size == 1:
                    raise
                batch_size = max(1, min(batch_size, len(batch)) // 2)
                torch.cuda.empty_cache()
                continue
            answers.update(zip(batch, rows, strict=True))
            order = order[len(batch) :]
            bar.update(len(batch))
    return [answers[i] for i in range(len(prompts))]


def batch_that_fits(model, tokens: int) -> int:
    """How many rows of so many tokens the free memory holds keys and values for; at most 512.

    Half of a GPU's free memory is left to everything else.
    """
    if model.device.type != "cuda":
        return 512
    row = 2 * math.prod(kv_cache.shape(model)) * model.dtype.itemsize * tokens
    free, _ = torch.cuda.mem_get_info()
    return int(min(512, max(1, free // 2 // row)))


def ask(model, tokenizer, question: str, system: str = "", max_new_tokens: int = 64) -> str:
    """One question, one answer: for looking at a model by hand."""
    conversation = dress([{"role": "user", "content": question}], system, "{user}")
    return complete(model, tokenizer, [conversation], max_new_tokens)[0].text


def stop_ids(model, tokenizer) -> set[int]:
    """Every token that ends a turn, by the tokenizer and by the model's generation settings."""
    configured = model.generation_config.eos_token_id
    ids = configured if isinstance(configured, list) else [configured]
    return {i for i in [*ids, tokenizer.eos_token_id] if i is not None}


def _generate(model, tokenizer, prompts, max_new_tokens, stops) -> list[Completion]:
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(stops)
    completions = []
    for row in answer_ids(model, prompts, max_new_tokens, stops, pad):
        end = next((n for n, token in enumerate(row) if token in stops), None)
        words = row if end is None else row[:end]
        text = tokenizer.decode(words, skip_special_tokens=True).strip()
        completions.append(Completion(text, end is not None, len(words)))
    return completions


def greedy(rows: list[int], logits: torch.Tensor) -> torch.Tensor:
    """The likeliest token of each row: logits (rows, vocabulary) -> ids (rows,)."""
    return logits.argmax(-1)


@torch.inference_mode()  # here and in _decode, since it holds for one thread
def answer_ids(
    model,
    prompts: list[list[int]],
    max_new_tokens: int,
    stops: set[int],
    pad: int = 0,
    choose: Callable = greedy,
) -> list[list[int]]:
    """The new tokens of each prompt, in one batch.

    choose is given, at each step, which prompts the rows belong to and the rows' logits, and
    returns the next tokens; it may be asked for rows that have ended. On a GPU transformers'
    generate answers greedily, over a static cache with a compiled step.
    """
    if kv_cache.fits(model):
        with decode_attention.used_by(model):
            return _side_by_side(model, prompts, max_new_tokens, stops, choose)
    ids, mask = left_padded(prompts, model.device, pad)
    out = model.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=max_new_tokens,
        do_sample=False,
        eos_token_id=sorted(stops) or None,
        pad_token_id=pad,
        cache_implementation="static" if model.device.type == "cuda" else None,
    )
    return out[:, ids.shape[1] :].tolist()


def left_padded(rows: list[list[int]], device, pad: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and mask, each (rows, longest)."""
    longest = max(map(len, rows))
    ids = torch.tensor([[pad] * (longest - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
    return ids, mask.to(device)


def _side_by_side(
    model, prompts, max_new_tokens: int, stops: set[int], choose: Callable
) -> list[list[int]]:
    """_decode, by two threads where there are many prompts and more than one core.

    Half of the cores answer half of the prompts each: they need not wait for each other after
    every operation, nor read what the other has written. More threads would wait for Python.
    """
    cores = torch.get_num_threads()
    if cores == 1 or len(prompts) < WORTH_HALVING:
        return _decode(model, prompts, max_new_tokens, stops, choose)
    halves = [range(0, len(prompts), 2), range(1, len(prompts), 2)]  # of like lengths

    def answer(half: range) -> list[list[int]]:
        def pick(rows: list[int], logits: torch.Tensor) -> torch.Tensor:
            return choose([half[row] for row in rows], logits)

        return _decode(model, [prompts[i] for i in half], max_new_tokens, stops, pick)

    with ThreadPoolExecutor(2, "half", torch.set_num_threads, (cores // 2,)) as pool:
        even, odd = pool.map(answer, halves)
    answers: list[list[int]] = [[] for _ in prompts]
    answers[0::2], answers[1::2] = even, odd
    return answers


@torch.inference_mode()
def _decode(
    model, prompts, max_new_tokens: int, stops: set[int], choose: Callable
) -> list[list[int]]:
    """Decode a batch that answers leave as they end: the new tokens of each prompt.

    transformers' generate carries every row until the last one has ended, which on a CPU costs
    a fifth of the time.
    """
    answers: list[list[int]] = [[] for _ in prompts]
    rows = list(range(len(prompts)))  # which answer each row of the batch belongs to
    model, learned = kv_cache.learned_beginning(model)
    shared = _shared_beginning(prompts)
    cache, mask, logits = _read_prompts(model, learned, prompts, shared, max_new_tokens)
    shared += learned.get_seq_length()
    places = mask.sum(-1, keepdim=True) - 1
    ids = None
    for step in range(max_new_tokens):
        if step:
            logits = model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=places,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
                shared=shared,
            ).logits
        ids = choose(rows, logits[:, -1])[:, None]
        ended = [bool(answers[row]) and answers[row][-1] in stops for row in rows]
        for row, done, token in zip(rows, ended, ids[:, 0].tolist(), strict=True):
            if not done:
                answers[row].append(token)
        live = [k for k, row in enumerate(rows) if answers[row][-1] not in stops]
        if not live:
            break
        if len(live) <= LEAVE_BELOW * len(rows):
            n = len(live)  # rows beyond the first n move to the places of those that ended
            moved = [k for k in live if k >= n]
            to = sorted(set(range(n)) - set(live))
            for k, place in zip(moved, to, strict=True):
                rows[place] = rows[k]
            rows = rows[:n]
            moved, to = (torch.tensor(x, dtype=torch.long, device=ids.device) for x in (moved, to))
            for layer in cache.layers:
                layer.keep_rows(moved, to, n)
            for tensor in (ids, mask, places):
                tensor[to] = tensor[moved]
            ids, mask, places = ids[:n], mask[:n], places[:n]
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=-1)
        places = places + 1
    return answers


def _read_prompts(model, learned, prompts, shared: int, room: int):
    """The cache of the prompts, its mask (prompts, tokens), and the logits of what comes next.

    The tokens that all begin with (a system prompt, mostly) are read once; the rest is read in
    parts of like length, since the prompts come sorted. In the cache a learned prefix stands
    first, then the shared beginning, then each row's padding, then the rest of its prompt, then
    room for so many tokens.
    """
    rests = [prompt[shared:] for prompt in prompts]
    ids, mask = left_padded(rests, model.device)
    beginning = torch.tensor([prompts[0][:shared]], device=model.device)
    shared += learned.get_seq_length()
    base = kv_cache.with_room(model, 1, shared)
    kv_cache.begin_with(base, learned)
    if beginning.numel():
        model(input_ids=beginning, past_key_values=base, use_cache=True, logits_to_keep=1)
    places = shared + (mask.cumsum(-1) - 1).clamp(min=0)
    mask = torch.cat([mask.new_ones(len(mask), shared), mask], dim=-1)
    total = mask.shape[1]
    cache = kv_cache.with_room(model, len(prompts), total + room)
    kv_cache.begin_with(cache, base)
    logits = []
    for at in range(0, len(rests), PREFILL):
        rows = slice(at, at + PREFILL)
        own = max(map(len, rests[rows]))
        out = model(
            input_ids=ids[rows, -own:],
            attention_mask=mask[rows],
            position_ids=places[rows, -own:],
            past_key_values=kv_cache.part(cache, rows, shared, total - own),
            use_cache=True,
            logits_to_keep=1,
        )
        logits.append(out.logits)
    for layer in cache.layers:
        layer.hold(total)
    return cache, mask, torch.cat(logits)


def _shared_beginning(prompts: list[list[int]]) -> int:
    """How many tokens all prompts begin with, the last of the shortest left out."""
    first, longest = min(prompts), max(prompts)  # as words in a dictionary, these differ most
    most = min(map(len, prompts)) - 1
    pairs = zip(first[:most], longest[:most], strict=True)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), most)
