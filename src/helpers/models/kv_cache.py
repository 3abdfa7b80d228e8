"""A key-value cache that writes in place, where transformers' default copies all of it each token.

On a CPU, copying the cache of 330 answers is three quarters of the work of writing them. Here the
room for all tokens of a batch is set aside at once; prompts are read into parts of it, and rows
whose answers have ended give their places up. Tokens come first in memory, since each new one
reads all rows' first token, then all rows' second: in that order memory is twice as fast. The
words are the same (tests/test_finetune.py).

Used by: generate.
"""

import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer


class RoomyLayer(DynamicLayer):
    """One layer's keys and values, each (batch, heads, tokens, size), views of larger buffers.

    The buffers are (tokens, batch, heads, size).
    """

    def __init__(self, buffers: tuple[torch.Tensor, torch.Tensor], held: int = 0) -> None:
        super().__init__()
        self.dtype, self.device, self.is_initialized = buffers[0].dtype, buffers[0].device, True
        self.buffers = buffers
        self.hold(held)

    def hold(self, tokens: int) -> None:
        """The first so many tokens of the buffers are what the layer holds."""
        self.keys, self.values = (b[:tokens].permute(1, 2, 0, 3) for b in self.buffers)

    def update(self, key_states, value_states, *args, **kwargs):
        """Write the new tokens' keys and values behind those held; return all of them as views."""
        held = self.keys.shape[-2]
        for buffer, states in zip(self.buffers, (key_states, value_states), strict=True):
            buffer[held : held + states.shape[-2]] = states.permute(2, 0, 1, 3)
        self.hold(held + key_states.shape[-2])
        return self.keys, self.values

    def part(self, rows: slice, begins: int, tokens: int) -> "RoomyLayer":
        """Some rows as a layer of their own, which holds so many tokens: those they begin with
        and, up to where their own prompts are to be written, padding.
        """
        for buffer in self.buffers:
            buffer[begins:tokens, rows] = 0  # masked, but must be numbers
        return RoomyLayer(tuple(buffer[:, rows] for buffer in self.buffers), tokens)

    def keep_rows(self, moved: torch.Tensor, to: torch.Tensor, rows: int) -> None:
        """Keep the first so many rows of the batch, after moving some of the others among them."""
        held = self.keys.shape[-2]
        for buffer in self.buffers:
            buffer[:held, to] = buffer[:held, moved]
        self.buffers = tuple(buffer[:, :rows] for buffer in self.buffers)
        self.hold(held)


def fits(model) -> bool:
    """Whether this cache will do: a model on the CPU whose layers all attend to everything."""
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    sliding = getattr(config, "sliding_window", None) and getattr(
        config, "use_sliding_window", True
    )
    return model.device.type == "cpu" and not sliding and kinds == {"full_attention"}


def learned_beginning(model) -> tuple:
    """The model without a prefix put in by peft, and a cache of one row that holds the prefix."""
    if getattr(model, "peft_type", None) != "PREFIX_TUNING":
        return model, with_room(model, 1, 0)
    return model.get_base_model(), model.get_prompt(batch_size=1)


def shape(model) -> tuple[int, int, int]:
    """Layers, key heads, and the size of a head."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return config.num_hidden_layers, heads, size


def with_room(model, rows: int, tokens: int) -> Cache:
    """An empty cache with room for so many tokens of each row."""
    layers, heads, size = shape(model)
    room = {"size": (tokens, rows, heads, size), "dtype": model.dtype, "device": model.device}
    return Cache(
        layers=[RoomyLayer((torch.empty(**room), torch.empty(**room))) for _ in range(layers)]
    )


def begin_with(cache: Cache, beginning: Cache) -> None:
    """Every row of the cache begins with the one row of another."""
    for layer, first in zip(cache.layers, beginning.layers, strict=True):
        layer.update(first.keys, first.values)  # broadcast over the rows


def part(cache: Cache, rows: slice, begins: int, tokens: int) -> Cache:
    """Some rows of a cache, layer by layer (RoomyLayer.part)."""
    return Cache(layers=[layer.part(rows, begins, tokens) for layer in cache.layers])
