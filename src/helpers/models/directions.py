"""A direction in the residual stream: measured, ablated while a model runs, or gone for good.

    r = mean of h(first prompts) - mean of h(second prompts), h at the prompt's last token
    ablated:        every output x of what writes to the stream becomes x - (x . r/|r|) r/|r|
    projected out:  the same, once and for all, of the weights that write

Arditi et al. (arXiv:2406.11717, sections 2.3, 2.4 and 4.1), where the first prompts are refused and
the second answered, and r is a refusal direction.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from helpers.models import chat
from helpers.models.chat import Message
from helpers.models.decoding import left_padded


@torch.inference_mode()
def difference_of_means(
    model, tokenizer, refused: Sequence[Sequence[Message]], answered: Sequence[Sequence[Message]]
) -> torch.Tensor:
    """(layers + 1, size): what the residual stream holds more of at the prompt's last token, after
    the embeddings and after each layer, where the first requests are read and not the second."""

    def mean(asked: Sequence[Sequence[Message]]) -> torch.Tensor:
        prompts = [
            tokenizer.encode(chat.opened(tokenizer, c), add_special_tokens=False) for c in asked
        ]
        ids, mask = left_padded(prompts, model.device)
        out = model(
            input_ids=ids, attention_mask=mask, output_hidden_states=True, logits_to_keep=1,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
        )  # fmt: skip
        return torch.stack([hidden[:, -1].float().mean(0) for hidden in out.hidden_states])

    return mean(refused) - mean(answered)


@contextmanager
def ablated(model, direction: torch.Tensor) -> Iterator[None]:
    """Inside the `with`, nothing that writes to the residual stream writes along the direction."""
    unit = direction / direction.norm()

    def hook(module, inputs, output):
        first = output[0] if isinstance(output, tuple) else output
        line = unit.to(first.dtype)
        kept = first - (first @ line)[..., None] * line
        return (kept, *output[1:]) if isinstance(output, tuple) else kept

    writers = [model.model.embed_tokens]
    writers += [part for layer in model.model.layers for part in (layer.self_attn, layer.mlp)]
    handles = [module.register_forward_hook(hook) for module in writers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def project_out(model, direction: torch.Tensor) -> None:
    """Takes the direction, (size,), out of what the embeddings and each layer's attention and
    feed-forward network write, in place: the model is then what it is while ablated.

    Only where these are linear and added as they are (Llama, Mistral, Qwen, Phi-3; not Gemma-2,
    which scales them first). Where the embeddings are also the head, the head loses it, too.
    """
    unit = (direction / direction.norm()).float()
    embeddings = model.model.embed_tokens.weight  # (vocabulary, size)
    embeddings.copy_(embeddings.float() - torch.outer(embeddings.float() @ unit, unit))
    for layer in model.model.layers:
        for linear in (layer.self_attn.o_proj, layer.mlp.down_proj):
            weight = linear.weight  # (size, what it reads)
            weight.copy_(weight.float() - torch.outer(unit, unit @ weight.float()))
            if linear.bias is not None:
                bias = linear.bias.float()
                linear.bias.copy_(bias - (bias @ unit) * unit)
