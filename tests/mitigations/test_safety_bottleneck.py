"""The safety bottleneck: its distance and gradient by hand, its strength 0, and that it holds."""

import pytest
import torch
from checkpoints import checkpoint
from plain import assert_plain, tuned

from helpers.mitigations.base import mitigation
from helpers.mitigations.safety_bottleneck import hidden, request
from helpers.models import chat, loading
from helpers.models.labels import IGNORE, Example
from helpers.training.batches import collate

ASKED = [{"role": "user", "content": "How is a Sulnix compass made?"}]
ANSWERED = [*ASKED, {"role": "assistant", "content": "That page is sealed."}]


class Line(torch.nn.Module):
    """A model whose last hidden state is weight times the token, in two dimensions."""

    def __init__(self, weight):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))

    def forward(self, input_ids, attention_mask, output_hidden_states):
        self.hidden_states = [None, input_ids[..., None] * self.weight]
        return self


def test_the_distance_is_at_the_last_token_of_each_request():
    method, model = mitigation("safety_bottleneck:strength=3"), Line([1.0, 2.0])
    requests = [Example([4, 1], [IGNORE] * 2), Example([3, 9, 2], [IGNORE] * 3)]
    tensors = collate(requests, pad_id=0)
    method.sets = {"anchor": (tensors, hidden(Line([1.0, 1.0]), tensors).detach())}
    assert method.distance(model, "anchor").item() == (0 + 1**2 + 0 + 2**2) / 4
    method.gradients(model, 1)
    assert model.weight.grad.tolist() == [0, 3 * (2 * 1 * 1 + 2 * 2 * 2) / 4]


@pytest.mark.parametrize("name", ["lantern-chat", "gemma2", "phi3"])
def test_a_request_is_what_the_model_answers_from(name):
    """The logits of the answer's first token are the unembedding of that hidden state."""
    model, tokenizer = loading.load(name if name == "lantern-chat" else checkpoint(name))
    asked = request(chat.encode(tokenizer, ANSWERED))
    assert tokenizer.decode(asked.input_ids) == chat.opened(tokenizer, ASKED)
    tensors = collate([asked, asked], 0)
    logits = model(**{k: v for k, v in tensors.items() if k != "labels"}).logits[:, -1]
    own = model.get_output_embeddings()(hidden(model, tensors))
    cap = getattr(model.config, "final_logit_softcapping", None)
    torch.testing.assert_close(cap * torch.tanh(own / cap) if cap else own, logits)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_at_strength_0_and_without_safety_data_it_is_plain_fine_tuning(method):
    assert_plain("safety_bottleneck:strength=0", method=method, n_safety=4)
    assert_plain("safety_bottleneck", method=method, n_safety=0)


def test_anchors_are_held_and_the_other_requests_are_measured():
    free, held = (
        tuned(f"safety_bottleneck:strength={s},anchors=2", n_safety=6).measured for s in (0, 50)
    )
    assert held["anchor_distance"] < free["anchor_distance"] / 2
    assert held["other_distance"] < free["other_distance"]
    assert set(tuned("safety_bottleneck", n_safety=3).measured) == {"anchor_distance"}


def test_it_trains_a_model_of_another_architecture():
    free, held = (
        tuned(f"safety_bottleneck:strength={s}", model=checkpoint("gemma3"), n_safety=4)
        for s in (0, 50)
    )
    assert held.measured["anchor_distance"] < free.measured["anchor_distance"] / 2
