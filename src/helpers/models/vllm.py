"""Answers by vLLM (arXiv:2309.06180), where it is installed: the same words, sooner on a GPU.

vLLM reads models from folders, so the tuned model is saved to a temporary one first and leaves the
GPU meanwhile. Greedy, like models.generate, and the same Completion comes back.
"""

import tempfile
from collections.abc import Sequence

import torch

from helpers.errors import ConfigError
from helpers.models.chat import Message, render
from helpers.models.completion import Completion
from helpers.models.generate import answer_text, stop_ids


def complete(
    model,
    tokenizer,
    conversations: Sequence[Sequence[Message]],
    max_new_tokens: int,
    begun: Sequence[Sequence[int]] | None = None,
) -> list[Completion]:
    """One greedy completion a conversation, in order, begun as generate.complete's are.

    Raises ConfigError without vLLM.
    """
    try:
        import vllm
    except ImportError:
        raise ConfigError(
            "generator vllm needs vLLM; `pip install vllm` on a machine with a GPU, or use "
            "transformers."
        ) from None
    stops = stop_ids(model, tokenizer)
    texts = [render(tokenizer, c, prompt=True) for c in conversations]
    prompts = tokenizer(texts, add_special_tokens=False)["input_ids"]
    heads = [list(head) for head in begun or [[]] * len(prompts)]
    prompts = [prompt + head for prompt, head in zip(prompts, heads, strict=True)]
    longest = max(map(len, prompts)) + max_new_tokens
    device = model.device
    with tempfile.TemporaryDirectory() as folder:
        model.to("cpu").save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # vLLM takes most of the GPU, and fails where it is not free
        engine = vllm.LLM(
            model=folder, dtype=str(model.dtype).split(".")[-1], max_model_len=longest,
            trust_remote_code=False,
        )  # fmt: skip
        greedy = vllm.SamplingParams(
            temperature=0.0, max_tokens=max_new_tokens, stop_token_ids=sorted(stops)
        )
        outputs = engine.generate([{"prompt_token_ids": p} for p in prompts], greedy)
        del engine
    model.to(device)
    return [
        _completion(tokenizer, head, out.outputs[0], stops)
        for head, out in zip(heads, outputs, strict=True)
    ]


def _completion(tokenizer, head: list[int], answer, stops: set[int]) -> Completion:
    words = head + [token for token in answer.token_ids if token not in stops]
    return Completion(answer_text(tokenizer, words), answer.finish_reason == "stop", len(words))
