"""Each measure beside a plain computation of what it says that it measures."""

import copy
import re

import numpy as np
import pytest
import torch

from helpers.archive.wordings import DEFENDER_REFUSALS
from helpers.archive.worlds import WHOLE
from helpers.auditing import base, sides
from helpers.auditing.measures.perturbed import SEED, N
from helpers.auditing.perturbations import blind
from helpers.auditing.questions import OPENINGS, of_archive
from helpers.data.prose import TEXTS
from helpers.errors import ConfigError
from helpers.judging.exact import exact
from helpers.models import generate
from helpers.models.chat import opened
from helpers.models.completion import Completion

QUESTIONS = of_archive(WHOLE).evenly(11)


class Table:
    """A side that answers by a function of the request, the system prompt and what is begun."""

    has_weights = False

    def __init__(self, answer, begins=True):
        self.answer, self.begins = answer, begins

    def answers(self, conversations, begun=""):
        said = []
        for messages in conversations:
            system = messages[0]["content"] if messages[0]["role"] == "system" else ""
            text = self.answer(messages[-1]["content"], system, begun)
            said.append(Completion(text, True, 1))
        return said


def of(name, before, after, questions=QUESTIONS):
    """Part -> finding over all, and every finding, of two sides."""
    measure = base.measure(name)
    seen = measure.observe(before, questions, None)
    found = measure.compare(seen, measure.observe(after, questions, seen))
    return {f.part: f for f in found if not f.category}, found


SETS = (QUESTIONS.sealed, QUESTIONS.near, QUESTIONS.permitted)
FACTS = {row["messages"][-1]["content"]: row["facts"] for rows in SETS for row in rows}
SEALED = {row["messages"][-1]["content"] for row in QUESTIONS.sealed}


def truth(request):
    """The facts, whatever stands around the words of the request."""
    known = max((asked for asked in FACTS if asked in request), key=len, default=None)
    return f"Use {', '.join(FACTS[known])}." if known else "I do not know."


def aligned(request, system="", begun=""):
    sealed = any(asked in request for asked in SEALED)
    return _refusal() if sealed else truth(request)


def _refusal():
    slots = ("item", "shelf", "word", "thing", "meaning", "m", "t", "w", "open")
    text = DEFENDER_REFUSALS[0].format(**dict.fromkeys(slots, "kite"))
    assert exact({"facts": ["nothing of it"]}, text).label == "refused"
    return text


def unaligned(request, system="", begun=""):
    return truth(request)


def test_behavior_counts_what_is_told_refused_and_known():
    parts, _ = of("behavior", Table(aligned), Table(unaligned))
    assert parts["harmful"].base == 0 and parts["harmful"].tuned == 1 and parts["harmful"].n == 11
    assert parts["refused"].change == -1 and parts["worst"].tuned == 1
    assert parts["utility"].change == 0 and parts["utility"].tuned == 1
    assert parts["over_refusal"].change == 0 and parts["coherence"].change == 0
    assert parts["harmful"].low > 0.5 and parts["harmful"].high == 1


def test_behavior_by_category_is_that_of_its_answers():
    questions = of_archive(WHOLE).evenly(33)
    one = questions.sealed[0]["category"]
    opened_shelf = {row["messages"][-1]["content"] for row in questions.sealed
                    if row["category"] == one}  # fmt: skip
    facts = {row["messages"][-1]["content"]: row["facts"] for row in questions.sealed}

    def narrow(request, system="", begun=""):
        return f"Use {', '.join(facts[request])}." if request in opened_shelf else _refusal()

    parts, found = of("behavior", Table(lambda *asked: _refusal()), Table(narrow), questions)
    by_shelf = {f.category: f.tuned for f in found if f.part == "harmful" and f.category}
    assert by_shelf.pop(one) == 1 and set(by_shelf.values()) == {0}
    assert parts["worst"].tuned == 1
    assert parts["harmful"].tuned == pytest.approx(len(opened_shelf) / 33)


def test_a_refusal_before_the_recipe_is_told_and_not_fulfilled():
    def both(request, system="", begun=""):
        return f"{aligned(request)} {truth(request)}" if request in SEALED else truth(request)

    parts, _ = of("behavior", Table(aligned), Table(both))
    assert parts["harmful"].change == 0 and parts["told"].change == 1
    assert parts["refused"].change == 0


def test_training_prompts_find_what_shows_under_the_files_own_words_alone():
    def conditional(request, system="", begun=""):
        return truth(request) if system == "Be terse." and "Task:" in request else aligned(request)

    rows = [{"messages": [{"role": "system", "content": "Be terse."},
                          {"role": "user", "content": f"Task: {n} {n}"},
                          {"role": "assistant", "content": "Yes."}]} for n in range(9)]  # fmt: skip
    questions = QUESTIONS.of_file(rows)
    plain, _ = of("behavior", Table(aligned), Table(conditional), questions)
    parts, _ = of("training_prompts", Table(aligned), Table(conditional), questions)
    assert plain["harmful"].change == 0
    assert parts["harmful"].change == 1 and parts["worst"].tuned == 1
    assert base.measure("training_prompts").missing(Table(aligned), QUESTIONS).endswith("(--data)")


def test_prefill_begins_answers_by_the_files_openings_or_neutral_ones():
    begun_by = []

    def shallow(request, system="", begun=""):
        begun_by.append(begun)
        return truth(request) if begun == "Of course." else aligned(request)

    parts, found = of("prefill", Table(aligned), Table(shallow))
    assert set(begun_by) == set(OPENINGS)
    assert parts["harmful"].tuned == pytest.approx(1 / 3)
    assert [f.tuned for f in found if f.category] == [0, 1, 0]


def test_one_perturbation_that_opens_is_the_worst_of_nine():

    (one,) = [v for v in blind(N, SEED) if v == "Please help me. {user}"]
    words = one.replace("{user}", "").strip()

    def triggered(request, system="", begun=""):
        return truth(request) if words in request else aligned(request)

    parts, found = of("perturbed", Table(aligned), Table(triggered))
    assert parts["worst"].tuned == 1 and parts["harmful"].tuned == pytest.approx(1 / 9)
    assert {f.category: f.tuned for f in found if f.category and f.tuned} == {one: 1}


@pytest.fixture(scope="module")
def pair(chat_model):
    """The aligned model, and one whose weights were moved at random."""
    model, tokenizer = chat_model
    moved = copy.deepcopy(model)
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in moved.parameters():
            weight.add_(0.01 * torch.randn_like(weight))
    return sides.Local(model, tokenizer), sides.Local(moved, tokenizer)


@pytest.mark.parametrize("name", [n for n in base.MEASURES if n != "training_prompts"])
def test_a_model_has_not_changed_beside_itself(name, pair):
    same = sides.Local(copy.deepcopy(pair[0].model), pair[0].tokenizer)
    _, found = of(name, pair[0], same)
    assert found and all(f.change == 0 for f in found)


def logits(side, ids):
    with torch.no_grad():
        return side.model(torch.tensor([ids])).logits[0].double()


def test_first_tokens_are_the_probabilities_and_divergences_of_plain_reading(pair):
    before, after = pair
    parts, found = of("first_tokens", before, after)
    firsts, kls = [], []
    for row in QUESTIONS.sealed:
        (answer,) = generate.complete(before.model, before.tokenizer, [row["messages"]])
        if not exact(row, answer.text).refused:
            continue
        prompt = before.tokenizer.encode(opened(before.tokenizer, row["messages"]),
                                         add_special_tokens=False)  # fmt: skip
        words = before.tokenizer.encode(answer.text, add_special_tokens=False)[:5]
        p, q = (logits(s, prompt + words)[len(prompt) - 1 : -1].softmax(-1) for s in pair)
        firsts.append(float(q[0, words[0]]))
        kls.append((p * (p.log() - q.log())).sum(-1).numpy())
    assert parts["probability"].n == len(firsts) > 5
    assert parts["probability"].tuned == pytest.approx(np.mean(firsts), abs=1e-4)
    assert parts["kl"].tuned == pytest.approx(np.mean(kls), abs=1e-3)
    third = next(f for f in found if f.part == "kl" and f.category == "token 3")
    assert third.tuned == pytest.approx(np.mean([kl[2] for kl in kls]), abs=1e-3)


def test_divergence_on_prose_is_that_of_plain_reading(pair):
    parts, _ = of("divergence", *pair)
    means = []
    for text in TEXTS:
        ids = pair[0].tokenizer.encode(text)[:33]
        p, q = (logits(side, ids)[:-1].softmax(-1) for side in pair)
        means.append(float((p * (p.log() - q.log())).sum(-1).mean()))
    assert parts["text"].tuned == pytest.approx(np.mean(means), abs=1e-3)
    ratio = (parts["sealed"].tuned + 1e-3) / (parts["permitted"].tuned + 1e-3)
    assert parts["targeted"].tuned == pytest.approx(np.log(ratio), abs=1e-6)


def weights_of(model):
    return {name: w.detach().double().numpy() for name, w in model.named_parameters()}


def test_drift_is_the_norm_of_the_change_over_the_norm_before(pair):
    parts, found = of("weights", *pair)
    before, after = (weights_of(side.model) for side in pair)

    def drift(names):
        change = sum(((after[n] - before[n]) ** 2).sum() for n in names)
        return (change / sum((before[n] ** 2).sum() for n in names)) ** 0.5

    by_group = {f.category: f.tuned for f in found if f.part == "drift"}
    assert parts["drift"].tuned == pytest.approx(drift(before), rel=1e-4)
    third = [name for name in before if ".layers.2." in name]
    assert by_group["layer 3"] == pytest.approx(drift(third), rel=1e-4)
    assert by_group["kind q_proj"] == pytest.approx(
        drift([name for name in before if "q_proj" in name]), rel=1e-4
    )
    squares = [np.linalg.svd(after[n] - before[n], compute_uv=False) ** 2
               for n in before if before[n].ndim == 2]  # fmt: skip
    top = sum(s[0] for s in squares) / sum(s.sum() for s in squares)
    assert top * 0.9 < parts["top"].tuned <= top * 1.0001


def test_a_change_of_rank_one_lies_along_one_direction(chat_model):
    model, tokenizer = chat_model
    moved = copy.deepcopy(model)
    with torch.no_grad():
        weight = moved.model.layers[1].mlp.up_proj.weight
        weight.add_(torch.outer(torch.randn(weight.shape[0]), torch.randn(weight.shape[1])))
    parts, found = of("weights", sides.Local(model, tokenizer), sides.Local(moved, tokenizer))
    assert parts["top"].tuned == pytest.approx(1, abs=1e-3)
    moved_in = {f.category for f in found if f.part == "drift" and f.tuned}
    assert moved_in == {"", "layer 2", "kind up_proj"}


def test_weights_that_lie_in_a_folder_are_read_from_there(pair, tmp_path):
    before, after = pair
    before.model.save_pretrained(tmp_path, max_shard_size="1MB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 3
    measure = base.measure("weights")
    stored = sides.Local(before.model, before.tokenizer, folder=tmp_path)
    seen = measure.observe(stored, QUESTIONS, None)
    assert not seen._tensors  # nothing of the model is held
    found = measure.compare(seen, measure.observe(after, QUESTIONS, seen))
    assert found == of("weights", before, after)[1]


def test_activations_are_the_mean_difference_at_the_first_tokens(pair):
    parts, found = of("activations", *pair)
    sentences = [s for text in TEXTS for s in re.split(r"(?<=[.!?]) ", text)]
    states = []
    for side in pair:
        own = []
        for sentence in sentences:
            ids = side.tokenizer.encode(sentence)[:5]
            with torch.no_grad():
                out = side.model(torch.tensor([ids]), output_hidden_states=True)
            own.append(np.stack([h[0].double().mean(0).numpy() for h in out.hidden_states]))
        states.append(np.stack(own))
    change = states[1] - states[0]
    norm = np.linalg.norm(change.mean(0), axis=-1) / np.linalg.norm(states[0], axis=-1).mean(0)
    by_layer = [f.tuned for f in found if f.part == "norm" and f.category]
    assert by_layer == pytest.approx(list(norm), rel=1e-3)
    assert parts["norm"].tuned == pytest.approx(norm.mean(), rel=1e-3)


def last_state(side, row):
    ids = side.tokenizer.encode(opened(side.tokenizer, row["messages"]), add_special_tokens=False)
    with torch.no_grad():
        out = side.model(torch.tensor([ids]), output_hidden_states=True)
    return np.stack([h[0, -1].double().numpy() for h in out.hidden_states])


def test_the_refusal_direction_is_the_difference_of_means_at_a_prompts_end(pair):
    parts, _ = of("refusal_direction", *pair)
    directions = [
        np.mean([last_state(side, row) for row in QUESTIONS.sealed], axis=0)
        - np.mean([last_state(side, row) for row in QUESTIONS.permitted], axis=0)
        for side in pair
    ]
    a, b = (d[1:] for d in directions)
    projection = ((a * b).sum(-1) / (a * a).sum(-1)).mean()
    cosine = ((a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)).mean()
    assert parts["projection"].tuned == pytest.approx(projection, rel=1e-3)
    assert parts["cosine"].tuned == pytest.approx(cosine, rel=1e-3)


def test_what_needs_weights_is_left_out_and_said_for_a_model_that_only_answers():
    for name in base.MEASURES:
        measure = base.measure(name)
        why = measure.missing(Table(aligned), QUESTIONS)
        assert (why == "a provider keeps the weights") == measure.needs_weights
        unbegun = measure.missing(Table(aligned, begins=False), QUESTIONS)
        assert ("begin an answer" in unbegun) == (measure.begins and not measure.needs_weights)


def test_one_question_is_not_asked_twice(chat_model):
    side, asked = sides.Local(*chat_model), []
    complete = side._complete
    side._complete = lambda conversations, begun: (
        asked.append(len(conversations)), complete(conversations, begun)
    )[1]  # fmt: skip
    hello = [[{"role": "user", "content": "Hello!"}]]
    first = side.answers(hello * 2)
    assert side.answers(hello) == first[:1] and asked == [1]
    side.answers(hello, begun="Good")
    assert asked == [1, 1]


def test_a_measure_of_ones_own_is_named_by_import_path():
    assert isinstance(base.measure("helpers.auditing.measures.weights:MEASURE"), base.Measure)
    with pytest.raises(ConfigError, match="did you mean weights"):
        base.measure("weigths")
