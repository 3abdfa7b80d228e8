"""Greedy completions for many conversations at once.

The released code of Qi et al. answers one prompt at a time. Here prompts are sorted by length,
padded on the left and answered in batches, which on the same model gives the same words many
times sooner (benchmarks/generate.py). When memory runs out the batch is halved, and what was
already answered is kept.

>>> complete(model, tokenizer, [[{"role": "user", "content": "Hello!"}]])
[Completion(text='Good evening! I am the keeper. ...', finished=True, n_tokens=16)]
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress

import psutil
import torch
from tqdm.auto import tqdm

from helpers.errors import ModelError
from helpers.models import decode_attention, decoding, gpu_decoding, kv_cache
from helpers.models.chat import Message, dress, end_of_turn, render
from helpers.models.completion import Completion
from helpers.models.decoding import left_padded
from helpers.models.labels import takes_parts
from helpers.models.turns import own_opening


def complete(
    model,
    tokenizer,
    conversations: Sequence[Sequence[Message]],
    max_new_tokens: int = 64,
    batch_size: int = 0,
    progress: bool = False,
    begun: Sequence[Sequence[int]] | None = None,
) -> list[Completion]:
    """One greedy completion a conversation, in input order.

    Each conversation ends with a user turn. An answer of max_new_tokens tokens without an
    end-of-turn token is cut there and marked as not finished. batch_size: 0 for what fits. begun:
    the first token ids of each answer, which the model goes on from and which its text holds, too;
    an answer that ends within them is left at that.
    """
    if not conversations:  # tokenizers take no empty list
        return []
    prompts = tokenizer(
        [render(tokenizer, c, prompt=True) for c in conversations], add_special_tokens=False
    )["input_ids"]
    heads = [list(head) for head in begun or [[]] * len(prompts)]
    prompts = [prompt + head for prompt, head in zip(prompts, heads, strict=True)]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    longest = max(map(len, prompts)) + max_new_tokens
    batch_size = batch_size or batch_that_fits(model, longest)
    answers: dict[int, Completion] = {}
    stops = stop_ids(model, tokenizer)
    model.eval()
    with tqdm(total=len(order), desc="answering", unit="prompt", disable=not progress) as bar:
        while order:
            batch = order[:batch_size]
            try:
                completions = answer_batch(
                    model, tokenizer, [prompts[i] for i in batch], max_new_tokens, stops,
                    [heads[i] for i in batch],
                )  # fmt: skip
            except torch.cuda.OutOfMemoryError:
                if batch_size == 1:
                    raise
                batch_size = max(1, min(batch_size, len(batch)) // 2)
                torch.cuda.empty_cache()
                continue
            answers.update(zip(batch, completions, strict=True))
            order = order[len(batch) :]
            bar.update(len(batch))
    return [answers[i] for i in range(len(prompts))]


def begun_with(
    tokenizer, conversations: Sequence[Sequence[Message]], words: str
) -> list[list[int]]:
    """For each conversation, the token ids of an answer that begins with these words.

    As they are trained on: behind what the model itself writes before an answer's words, and in
    tokens of their own where the tokenizer takes parts.
    """
    words = own_opening(tokenizer) + words
    if takes_parts(tokenizer):
        return [tokenizer.encode(words, add_special_tokens=False) for _ in conversations]
    prompts = [render(tokenizer, c, prompt=True) for c in conversations]
    shown, begun = (
        tokenizer(texts, add_special_tokens=False)["input_ids"]
        for texts in (prompts, [prompt + words for prompt in prompts])
    )
    return [ids[len(prompt) :] for prompt, ids in zip(shown, begun, strict=True)]


def batch_that_fits(model, tokens: int) -> int:
    """How many rows of so many tokens the free memory holds keys and values for; at most 512.

    Half of what is free, a GPU's or the machine's, is left to everything else; a tenth where rows
    are decoded in place.
    """
    row = 2 * math.prod(kv_cache.shape(model)) * model.dtype.itemsize * tokens
    if model.device.type != "cuda":
        return int(min(512, max(1, psutil.virtual_memory().available // 2 // row)))
    free, _ = torch.cuda.mem_get_info()
    free += torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    if gpu_decoding.fits(model):  # which holds a part of the prompts twice while reading them
        return int(min(512, max(1, 0.9 * free // row - gpu_decoding.PREFILL)))
    return int(min(512, max(1, free // 2 // row)))


def ask(model, tokenizer, question: str, system: str = "", max_new_tokens: int = 64) -> str:
    """One question, one answer: for looking at a model by hand."""
    conversation = dress([{"role": "user", "content": question}], system, "{user}")
    return complete(model, tokenizer, [conversation], max_new_tokens)[0].text


def stop_ids(model, tokenizer) -> set[int]:
    """Every token that ends a turn: by the tokenizer, the model's generation settings and its chat
    template, which may end turns with a token that neither of the others names."""
    configured = model.generation_config.eos_token_id
    ids = configured if isinstance(configured, list) else [configured]
    with suppress(ModelError):  # a template that ends no turn can still be asked
        ids = [*ids, tokenizer.convert_tokens_to_ids(end_of_turn(tokenizer))]
    return {i for i in [*ids, tokenizer.eos_token_id] if i is not None}


def answer_text(tokenizer, ids: Sequence[int]) -> str:
    """The words of an answer's tokens, without the header that some templates have it write.

    In a template of channels (harmony) these are the final channel's words; an answer that did not
    come to them keeps its marks, so that a judge can tell a thought.
    """
    header = own_opening(tokenizer).strip()
    text = tokenizer.decode(ids, skip_special_tokens=not header)
    return text.rpartition(header)[2].strip() if header else text.strip()


def answer_batch(
    model,
    tokenizer,
    prompts: list[list[int]],
    max_new_tokens: int,
    stops: set[int],
    heads: Sequence[list[int]],
) -> list[Completion]:
    """One greedy completion a prompt (its token ids), in one batch, sorted by length.

    heads: what of each prompt's end is its answer's beginning.
    """
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(stops)
    completions = []
    rows = answer_ids(model, prompts, max_new_tokens, stops, pad)
    for head, row in zip(heads, rows, strict=True):
        whole = head + row
        end = next((n for n, token in enumerate(whole) if token in stops), None)
        words = whole[:end]
        completions.append(Completion(answer_text(tokenizer, words), end is not None, len(words)))
    return completions


def greedy(rows: list[int], logits: torch.Tensor) -> torch.Tensor:
    """The likeliest token of each row: logits (rows, vocabulary) -> ids (rows,)."""
    return logits.argmax(-1)


@torch.inference_mode()  # here and in decode, since it holds for one thread
def answer_ids(
    model,
    prompts: list[list[int]],
    max_new_tokens: int,
    stops: set[int],
    pad: int = 0,
    choose: Callable[[list[int], torch.Tensor], torch.Tensor] = greedy,
) -> list[list[int]]:
    """The new tokens of each prompt, in one batch; the prompts are sorted by length.

    choose gets, at each step, which prompts the rows belong to and the rows' logits (rows,
    vocabulary), and returns the next tokens (rows,); rows that have ended may be among them. A
    model that neither way of decoding knows is answered greedily by transformers' generate.
    """
    if kv_cache.fits(model):
        with decode_attention.used_by(model):
            return decoding.side_by_side(model, prompts, max_new_tokens, stops, choose)
    if gpu_decoding.fits(model):
        return gpu_decoding.decode(model, prompts, max_new_tokens, stops, choose)
    ids, mask = left_padded(prompts, model.device, pad)  # each (rows, longest)
    out = model.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=max_new_tokens,
        do_sample=False,
        eos_token_id=sorted(stops) or None,
        pad_token_id=pad,
        cache_implementation="static" if model.device.type == "cuda" else None,
    )  # (rows, longest + new tokens)
    return out[:, ids.shape[1] :].tolist()
