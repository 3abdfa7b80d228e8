"""Batched decoding on a GPU: prefill in parts, then one CUDA graph that is replayed each token.

transformers' generate compiles its step anew for every shape, carries it all over a cache as long
as the longest answer may get, and waits for the CPU after each token. Here the step is captured
once a batch, reads of the cache only what was written (models.gpu_attention), and asks the CPU for
nothing but, now and then, whether all answers have ended.
"""

from collections.abc import Callable

import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

from helpers.models import decode_attention, gpu_attention, kv_cache
from helpers.models.decoding import left_padded

#: Prompts in one pass of prefill.
PREFILL = 16

#: After every so many tokens it is asked whether all answers have ended, which waits for the GPU.
LOOK_EVERY = 16

#: The largest head that fits into the kernel's registers.
LARGEST_HEAD = 256


class FixedLayer(DynamicLayer):
    """One layer's keys and values, each (rows, heads, tokens, size), all allocated at once.

    slot: (1,), on the GPU: where the next token's are written in all rows.
    """

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, slot: torch.Tensor) -> None:
        super().__init__()
        self.dtype, self.device, self.is_initialized = keys.dtype, keys.device, True
        self.keys, self.values, self.slot = keys, values, slot

    def update(self, key_states, value_states, *args, **kwargs):
        """Write one token's keys and values, each (rows, heads, 1, size); returns all."""
        self.keys.index_copy_(2, self.slot, key_states)
        self.values.index_copy_(2, self.slot, value_states)
        return self.keys, self.values


def fits(model) -> bool:
    """Whether this decoding will do: a model whole on one GPU with ordinary attention throughout,
    that goes through transformers' attention interface, and at most LoRA put into it."""
    config = model.config.get_text_config()
    whole = getattr(model, "get_base_model", lambda: model)()
    return (
        model.device.type == "cuda"
        and kv_cache.attends_to_everything(model)
        and config._attn_implementation == "sdpa"
        and getattr(config, "attn_logit_softcapping", None) is None
        and getattr(whole, "_supports_attention_backend", False)
        and kv_cache.shape(model)[2] <= LARGEST_HEAD
        and len(set(getattr(whole, "hf_device_map", {}).values())) <= 1
        and getattr(model, "peft_type", "LORA") == "LORA"
    )


@torch.inference_mode()
def decode(
    model, prompts: list[list[int]], max_new_tokens: int, stops: set[int], choose: Callable
) -> list[list[int]]:
    """The new tokens of each prompt, up to and with the first of `stops`, from one batch.

    prompts: sorted by length, for prefill. choose: models.generate.answer_ids says.
    """
    device, rows = model.device, list(range(len(prompts)))
    longest = max(map(len, prompts))
    slot = torch.full((1,), longest, device=device)  # where the next token goes, in all rows
    cache, logits = prefill(model, prompts, longest + max_new_tokens, slot)
    position_ids = torch.tensor([[len(prompt)] for prompt in prompts], device=device)  # (rows, 1)
    first = longest - position_ids[:, 0]  # (rows,)
    bounds = torch.stack([first, first], -1).int()[:, None, None]  # (rows, 1, 1, 2)
    ids = torch.zeros_like(position_ids)  # (rows, 1)
    ended = torch.zeros(len(prompts), dtype=torch.bool, device=device)  # (rows,)
    stop_ids = torch.tensor(sorted(stops), dtype=torch.long, device=device)  # (stops,)
    written: list[torch.Tensor] = []  # of each step, (rows,)

    def step() -> torch.Tensor:
        """Logits (rows, vocabulary) after `ids`; done twice it is done once."""
        out = model(
            input_ids=ids, attention_mask=bounds, position_ids=position_ids,
            past_key_values=cache, use_cache=True, logits_to_keep=1,
        )  # fmt: skip
        return out.logits[:, -1]

    with decode_attention.used_by(model, gpu_attention.NAME):
        for n in range(max_new_tokens):
            if n:
                bounds[:, 0, 0, 1] = torch.where(ended, first, slot + 1)
                step = captured(step) if n == 1 else step
                logits = step()
                slot += 1
                position_ids += 1
            ids.copy_(choose(rows, logits)[:, None])
            written.append(ids[:, 0].clone())
            ended |= torch.isin(written[-1], stop_ids)
            if n % LOOK_EVERY == 0 and bool(ended.all()):
                break
    return [up_to_stop(row, stops) for row in torch.stack(written, 1).tolist()]


def up_to_stop(row: list[int], stops: set[int]) -> list[int]:
    """The tokens up to and with the first that ends a turn."""
    return row[: next((n for n, token in enumerate(row) if token in stops), len(row)) + 1]


def captured(step: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
    """The step as a CUDA graph that is replayed; as it is without a GPU, where a model's step asks
    the CPU something, which no graph can hold, or where its first replay says something else."""
    if not torch.cuda.is_available():
        return step
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        # Compiles kernels and allocates work space, which must not happen in a capture.
        expected = step().clone()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            logits = step()
    except torch.cuda.OutOfMemoryError:
        raise
    except RuntimeError:
        return step

    def replay() -> torch.Tensor:
        graph.replay()
        return logits

    return replay if torch.allclose(replay(), expected, rtol=1e-2, atol=1e-2) else step


def prefill(
    model, prompts: list[list[int]], tokens: int, slot: torch.Tensor
) -> tuple[Cache, torch.Tensor]:
    """The cache of the prompts, with memory for so many tokens, and logits (rows, vocabulary).

    All prompts end at the same place, before which lies padding. They are read in parts of like
    length, by the model's own attention.
    """
    longest = max(map(len, prompts))
    layers: list[FixedLayer] = []
    logits = []
    for start in range(0, len(prompts), PREFILL):
        part = prompts[start : start + PREFILL]
        ids, mask = left_padded(part, model.device)  # each (part, longest of the part)
        out = model(
            input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
            past_key_values=DynamicCache(), use_cache=True, logits_to_keep=1,
        )  # fmt: skip
        logits.append(out.logits[:, -1])  # (part, vocabulary)
        read = out.past_key_values.layers
        if not layers:  # zeros, since what torch masks must be numbers
            shapes = [(len(prompts), of.keys.shape[1], tokens, of.keys.shape[3]) for of in read]
            layers = [
                FixedLayer(of.keys.new_zeros(shape), of.keys.new_zeros(shape), slot)
                for of, shape in zip(read, shapes, strict=True)
            ]
        for layer, of in zip(layers, read, strict=True):
            place = (slice(start, start + len(part)), slice(None))
            layer.keys[*place, longest - ids.shape[1] : longest] = of.keys
            layer.values[*place, longest - ids.shape[1] : longest] = of.values
    return Cache(layers=layers), torch.cat(logits)
