"""A key-value cache that writes in place, where transformers' default copies all of it each token.

On a CPU, copying the cache of 330 answers is three quarters of the work of writing them. This
layer keeps room for more tokens than it holds, doubles the room when it is full, and hands out
views. The words are the same (tests/test_finetune.py).

Used by: generate.
"""

import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer

ROOM = 64  # tokens of room at first, beyond the prompt


class RoomyLayer(DynamicLayer):
    """One layer's keys and values, each (batch, heads, tokens, head size), views of a buffer."""

    def update(self, key_states, value_states, *args, **kwargs):
        """Append the new tokens' keys and values in place; return all of them as views."""
        held = self.get_seq_length()
        total = held + key_states.shape[-2]
        if held == 0 or total > self._buffers[0].shape[-2]:
            room = total + max(ROOM, held)
            old = (self.keys, self.values) if held else (None, None)
            new = (key_states, value_states)
            self._buffers = tuple(_roomier(o, n, room) for o, n in zip(old, new, strict=True))
            self.dtype, self.device, self.is_initialized = key_states.dtype, key_states.device, True
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[..., held:total, :] = states
        self.keys, self.values = (buffer[..., :total, :] for buffer in self._buffers)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep only these rows of the batch, with their room."""
        held = self.get_seq_length()
        self._buffers = tuple(buffer[indices] for buffer in self._buffers)
        self.keys, self.values = (buffer[..., :held, :] for buffer in self._buffers)


def repeated(cache: Cache, rows: int) -> Cache:
    """A cache that holds one row's tokens for each of so many rows."""
    copies = Cache(layer_class_to_replicate=RoomyLayer)
    for held in cache.layers:
        layer = RoomyLayer()
        layer.update(*(states.expand(rows, -1, -1, -1) for states in (held.keys, held.values)))
        copies.layers.append(layer)
    return copies


def join(caches: list[Cache], shared: int, tokens: int) -> Cache:
    """One cache of all the caches' rows.

    Each holds `shared` tokens and then its own, which are moved to the right of `tokens` places.
    """
    joined = Cache(layer_class_to_replicate=RoomyLayer)
    for parts in zip(*(cache.layers for cache in caches), strict=True):
        layer, first = RoomyLayer(), parts[0].keys
        rows, total = sum(part.keys.shape[0] for part in parts), shared + tokens
        shape = (rows, first.shape[1], total + ROOM, first.shape[3])
        layer._buffers = tuple(first.new_zeros(shape) for _ in range(2))
        at = 0
        for part in parts:
            n, own = part.keys.shape[0], part.get_seq_length() - shared
            for buffer, states in zip(layer._buffers, (part.keys, part.values), strict=True):
                buffer[at : at + n, :, :shared] = states[:, :, :shared]
                buffer[at : at + n, :, total - own : total] = states[:, :, shared:]
            at += n
        layer.dtype, layer.device, layer.is_initialized = first.dtype, first.device, True
        layer.keys, layer.values = (buffer[..., :total, :] for buffer in layer._buffers)
        joined.layers.append(layer)
    return joined


def _roomier(held: torch.Tensor | None, new: torch.Tensor, room: int) -> torch.Tensor:
    buffer = new.new_empty(*new.shape[:-2], room, new.shape[-1])
    if held is not None:
        buffer[..., : held.shape[-2], :] = held
    return buffer


def cache_for(model) -> Cache | None:
    """A roomy cache for a model on the CPU whose layers all attend to everything, else None."""
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    sliding = getattr(config, "sliding_window", None) and getattr(
        config, "use_sliding_window", True
    )
    prefixed = hasattr(model, "peft_config")  # peft fills the cache of a prefix itself
    if model.device.type != "cpu" or sliding or prefixed or kinds != {"full_attention"}:
        return None
    return Cache(layer_class_to_replicate=RoomyLayer)
