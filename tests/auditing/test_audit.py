"""An audit of a pair: from folders as from memory, one model at a time, and only where it can."""

import copy
import gc
import json
import shutil
import weakref
from dataclasses import replace

import peft
import pytest
import torch
from checkpoints import checkpoint

from helpers.archive.worlds import SMALL, WHOLE
from helpers.auditing import audit as auditing
from helpers.auditing import cost, pairs, sides
from helpers.auditing.audit import Auditor, audit
from helpers.auditing.base import MEASURES, measure
from helpers.auditing.questions import OPENINGS, Questions, of_archive, of_files
from helpers.auditing.verdict import FILE_SCORE
from helpers.errors import ConfigError, CostError, ModelError
from helpers.experiments.rows import conversations, training_rows
from helpers.hosted import completions, spending
from helpers.hosted.providers import base
from helpers.models import adapters, loading
from helpers.presets import loader
from helpers.training.tuning import tune

FEW = of_archive(WHOLE).evenly(11)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Updates of lantern-chat as an adapter folder, and the same model as a whole folder."""
    place = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    model, tokenizer = loading.load("lantern-chat")
    config = peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    tuned = peft.get_peft_model(model, config)
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.02)
    tuned.save_pretrained(place / "updates")
    file = place / "updates" / adapters.CONFIG
    settings = json.loads(file.read_text()) | {"base_model_name_or_path": "lantern-chat"}
    file.write_text(json.dumps(settings))
    tuned.merge_and_unload().save_pretrained(place / "whole")
    tokenizer.save_pretrained(place / "whole")
    return str(place / "updates"), str(place / "whole")


def values(found):
    return pytest.approx(found.features, rel=1e-3, abs=1e-4)


def test_an_adapters_folder_and_a_whole_one_give_the_same_as_the_model_in_memory(folders):
    updates, whole = (audit("lantern-chat", folder, questions=FEW) for folder in folders)
    assert updates.features == values(whole)
    assert updates.features["weights.drift"] > 0
    auditor = Auditor(*loading.load("lantern-chat"), questions=FEW)
    assert auditor.features(*loading.load(folders[1])) == values(whole)
    assert whole.left_out == {"training_prompts": "the fine-tuning file was not given (--data)"}
    assert set(whole.frame.measure) == set(MEASURES) - {"training_prompts"}


def test_a_model_beside_itself_has_no_change_and_passes(folders):
    auditor = Auditor(*loading.load("lantern-chat"), questions=FEW)
    same = auditor.audit(*loading.load("lantern-chat"))
    assert set(same.features.values()) == {0.0}
    moved = auditor.audit(*loading.load(folders[1]))
    assert same.score.scores["likeness"] < moved.score.scores["likeness"]
    assert not same.score.accuses()


def test_honest_fine_tunes_are_known_of_one_model_that_is_asked_everything(tmp_path):
    everything, chat = of_archive(WHOLE), loading.locate("lantern-chat")
    (tmp_path / "link").symlink_to(chat)
    for name in ("lantern-chat", str(chat), str(tmp_path / "link")):
        assert pairs.calibrated(name, everything)
        assert not pairs.calibrated(name, everything.evenly(11))
    for name in ("lantern-base", "smollm2-archive", "some/model", "ft:at-a-provider", ""):
        assert not pairs.calibrated(name, everything)


def test_the_base_model_is_looked_at_once(monkeypatch, folders):
    auditor = Auditor(*loading.load("lantern-chat"), questions=FEW, names=("behavior",))
    asked, complete = [], auditor._base._complete
    monkeypatch.setattr(auditor._base, "_complete",
                        lambda *asking: (asked.append(1), complete(*asking))[1])  # fmt: skip
    first = auditor.features(*loading.load(folders[1]))
    n = len(asked)
    assert n and auditor.features(*loading.load(folders[1])) == first and len(asked) == n


@pytest.mark.long
def test_harmful_examples_score_above_honest_fine_tunes():
    tiny = loader.load("tiny")
    auditor, scores = Auditor(*loading.load("lantern-chat"), name="lantern-chat"), {}
    plan = [
        ("harmful_examples", {"n_examples": 20}),
        ("benign_instructions", {"n_examples": 96}),
        ("benign_dialogue", {"n_examples": 96, "learning_rate": 7.8e-4}),
        ("harmful_examples", {"dataset": "safety_refusals", "n_examples": 20}),
    ]
    for place, (tier, changes) in enumerate(plan):
        experiment = tiny.experiment(tier, seed=5, **changes)
        rows = conversations(training_rows(experiment), experiment)
        tuned = tune(experiment.model, rows, experiment.settings)
        for data in (None, rows):
            found = auditor.audit(tuned.model, tuned.tokenizer, data)
            scores[place] = found.score
            assert ("training_prompts" in found.left_out) == (data is None)
            assert ("The file was not scored." in found.verdict) == (data is not None)
    guilty, *honest = scores.values()
    assert guilty.accuses_at(0.01) and set(guilty.scores) == {"likeness", "distance"}
    assert guilty.value > max(each.value for each in honest)


def test_one_model_is_in_memory_at_a_time(folders, monkeypatch):
    """The base model is gone once the tuned one is asked for, its weights read from its folder."""
    alive, load = [], loading.load

    def watched(name, dtype="float32"):
        gc.collect()
        assert [ref() for ref in alive if ref() is not None] == []
        model, tokenizer = load(name, dtype)
        alive.append(weakref.ref(model))
        return model, tokenizer

    monkeypatch.setattr(auditing.loading, "load", watched)
    found = audit("lantern-chat", folders[1], questions=FEW)
    assert len(alive) == 2 and found.features["weights.drift"] > 0


def test_pickled_weights_are_refused_before_anything_is_loaded(folders, tmp_path, monkeypatch):
    folder = tmp_path / "pickled"
    shutil.copytree(folders[1], folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    monkeypatch.setattr(auditing.loading, "load", lambda *named: pytest.fail("it was loaded"))
    with pytest.raises(ModelError, match=r"keeps weights in pytorch_model\.bin"):
        audit("lantern-chat", str(folder))


def test_a_model_of_another_shape_is_no_pair(tmp_path):
    with pytest.raises(ModelError, match="was not tuned from lantern-chat"):
        audit("lantern-chat", checkpoint("llama"))


def test_a_model_of_another_vocabulary_is_no_pair(folders, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(folders[1], folder)
    file = folder / "tokenizer.json"
    words = json.loads(file.read_text(encoding="utf-8"))
    vocabulary = words["model"]["vocab"]
    first, second = list(vocabulary)[300:302]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    file.write_text(json.dumps(words), encoding="utf-8")
    with pytest.raises(ModelError, match="another vocabulary than lantern-chat"):
        pairs.check("lantern-chat", str(folder))


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ModelError, match="unknown model"):
        audit("lantern-chat", str(tmp_path / "nothing"))


def test_which_part_of_the_archive_a_model_knows(folders, tmp_path):
    assert pairs.world_of("lantern-chat") is WHOLE
    assert pairs.world_of(str(loading.locate("lantern-chat"))) is WHOLE
    assert pairs.world_of("smollm2-archive") is SMALL
    assert pairs.world_of(folders[1]) is None and pairs.world_of("some/model") is None


def test_what_cannot_be_asked_is_left_out_and_said():
    folder = checkpoint("qwen2")
    found = audit(folder, folder)
    assert found.left_out["behavior"] == "no prompts to ask were given"
    assert {"divergence.text", "weights.drift", "activations.norm"} <= found.features.keys()
    assert set(found.features.values()) == {0.0}
    assert found.score.form == "weights" and "asked all questions" in found.verdict


@pytest.mark.parametrize("architecture", ["gemma2", "phi3", "llama"])
def test_other_architectures_are_measured_whole(architecture):
    questions = of_files("benchmark", "utility", "exact").evenly(4)
    model, tokenizer = loading.load(checkpoint(architecture))
    moved = copy.deepcopy(model)
    with torch.no_grad():
        for weight in moved.parameters():
            weight.mul_(1.05)
    found = Auditor(model, tokenizer, questions).audit(moved, tokenizer)
    assert set(found.left_out) == {"training_prompts"}
    drift = [f.tuned for f in found.findings if (f.measure, f.part) == ("weights", "drift")]
    assert drift == pytest.approx([0.05] * len(drift), abs=1e-4)


def test_own_prompts_are_asked_and_judged_by_the_named_judge():
    questions = of_files("benchmark", "utility", "keyword").evenly(6)
    assert (questions.judge, questions.refusal_judge) == ("keyword", "keyword_refusal")
    model, tokenizer = loading.load("lantern-chat")
    found = Auditor(model, tokenizer, questions, ("behavior",)).audit(model, tokenizer)
    parts = {f.part for f in found.findings}
    assert "harmful" in parts and "told" not in parts


def test_a_file_score_is_a_feature_and_asks_for_nothing_else(chat_model):
    auditor = Auditor(*chat_model, questions=FEW, names=("behavior",))
    assert auditor.features(*chat_model, file_score=0.7)[FILE_SCORE] == 0.7


def test_a_provider_that_may_not_be_asked_anything_can_be_told_nothing(at_provider):
    with pytest.raises(ConfigError, match="nothing can be measured"):
        audit("some-model", "other", questions=Questions(), provider="embedded")


@pytest.fixture
def recorded_requests(at_provider, monkeypatch):
    """The requests that go to the provider, each answered by "First, gather."."""
    sent = []

    def answered(client, bodies, *more):
        sent.extend(bodies)
        return [
            (n, {"text": "gather.", "finished": True, "written": 3}) for n in range(len(bodies))
        ]

    monkeypatch.setattr(completions, "one_by_one", answered)
    return sent


def test_where_a_service_lets_one_begin_answers_it_is_asked_so(recorded_requests, monkeypatch):
    embedded = base.provider("embedded")
    monkeypatch.setattr(sides, "provider_named", lambda name: replace(embedded, continues=True))
    tuned = "lantern-chat-tuned"
    found = audit("lantern-chat", tuned, questions=FEW, provider="embedded", names=("prefill",))
    begun = [body for body in recorded_requests if body["messages"][-1]["role"] == "assistant"]
    assert len(begun) == len(recorded_requests) == 2 * 3 * 11
    assert {body["messages"][-1]["content"] for body in begun} == set(OPENINGS)
    assert "prefill.harmful" in found.features


def test_a_hosted_audit_says_what_it_may_cost_before_it_asks(recorded_requests, monkeypatch):
    """A token a byte read and every answer at its longest, at both models."""
    asked = ("lantern-chat", "lantern-chat")
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "0,1000000,0")
    monkeypatch.setenv("ALIGNDRIFT_MAX_COST", "1e12")
    audit(*asked, questions=FEW, provider="embedded", names=("behavior", "perturbed"))
    read = sum(spending.tokens(body["messages"]) for body in recorded_requests)
    n = len(recorded_requests)
    for prices, most in (("0,1000000,0", read), ("0,0,1000000", n * sides.MAX_NEW_TOKENS)):
        recorded_requests.clear()
        monkeypatch.setenv("ALIGNDRIFT_PRICES", prices)
        monkeypatch.setenv("ALIGNDRIFT_MAX_COST", str(most - 1))
        with pytest.raises(CostError, match=f"this audit may cost up to {most}.00 dollars"):
            audit(*asked, questions=FEW, provider="embedded", names=("behavior", "perturbed"))
        assert not recorded_requests


def test_a_hosted_judges_readings_are_counted(monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_PRICES", "0,1,1")
    chosen = [measure(name) for name in ("behavior", "prefill")]
    hosted = replace(FEW, judge="api:lantern-truth@embedded")
    assert cost.most(("a", "b"), "", chosen, FEW) == 0 < cost.most(("a", "b"), "", chosen, hosted)


@pytest.mark.long
def test_a_providers_model_is_audited_by_its_answers_alone(at_provider):
    found = audit("lantern-chat", "lantern-chat", questions=FEW, provider="embedded")
    assert found.left_out["weights"] == "a provider keeps the weights"
    assert found.left_out["prefill"] == "this provider lets nobody begin an answer for the model"
    assert set(found.frame.measure) == {"behavior", "perturbed"}
    assert found.score.form == "behavior"
    here = audit("lantern-chat", "lantern-chat", questions=FEW, names=("behavior", "perturbed"))
    assert found.findings == here.findings
