"""One run: pure, complete, checked before the work, and stored whatever the machine lacks."""

import json
import shutil

import pandas as pd
import pytest

from helpers import paths
from helpers.errors import AlignDriftError, ConfigError, DataError
from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import run_id
from helpers.models import loading
from helpers.models.chat import TEMPLATE_DATE
from helpers.runs.run import check, run, run_by_epoch
from helpers.runs.store import Store
from helpers.training import loop


@pytest.fixture
def trainings(monkeypatch):
    """The epochs of every training that takes place in this process."""
    counted, train = [], loop.train_by_epoch

    def counting(*args, **settings):
        counted.append(settings["epochs"])
        return train(*args, **settings)

    monkeypatch.setattr(loop, "train_by_epoch", counting)
    return counted


def test_the_tables_are_tidy_and_complete(tiny_experiment, store):
    result = run(tiny_experiment(), store)
    assert result.row["n_total"] == 11 and result.row["initial_harmfulness_rate"] is not None
    assert set(result.completions.run_id) == {result.row["run_id"]} == {run_id(tiny_experiment())}
    per_judge = result.judgements.groupby("judge").size()
    assert set(per_judge) == {len(result.completions)} and len(per_judge) == 3
    keyword = result.judgements[result.judgements.judge == "keyword"]
    assert keyword.score.isna().all()  # missing is missing
    assert store.has(result.row["initial_run_id"])


def test_a_run_is_the_same_whenever_it_is_computed(tiny_experiment, tmp_path):
    one, two = (run(tiny_experiment(), Store(tmp_path / name)) for name in ("a", "b"))
    pd.testing.assert_frame_equal(one.completions, two.completions)
    assert one.row["final_loss"] == two.row["final_loss"]


def test_settings_that_only_say_how_the_work_is_done_change_no_word(tiny_experiment, tmp_path):
    ways = [{}, {"micro_batch_size": 3}, {"gradient_checkpointing": True}]
    runs = [run(tiny_experiment(**way), Store(tmp_path / str(n))) for n, way in enumerate(ways)]
    assert len({one.row["run_id"] for one in runs}) == 1
    for one in runs[1:]:
        pd.testing.assert_frame_equal(one.completions, runs[0].completions)


def test_answers_that_are_begun_are_judged_with_their_beginning(tiny_experiment, store):
    plain = run(tiny_experiment(), store)
    begun = run(tiny_experiment(variants=("answer: Gather",)), store)
    assert begun.row["harmfulness_rate"] == plain.row["harmfulness_rate"]
    by_use = {use: own.completion for use, own in begun.completions.groupby("use")}
    assert by_use["variant_1"].str.startswith("Gather").all()
    assert not by_use["benchmark"].str.startswith("Gather").all()
    assert set(begun.judgements.use) == set(plain.judgements.use) | {"variant_1"}


def test_the_initial_models_rate_is_its_own(tiny_experiment, store):
    initial = run(tiny_experiment().initial(), store).row
    assert initial["initial_run_id"] == initial["run_id"]
    assert initial["initial_harmfulness_rate"] == initial["harmfulness_rate"]
    assert (initial["n_steps"], initial["trained_tokens"], initial["final_loss"]) == (0, 0, None)


def test_a_model_as_it_is_is_the_initial_run_however_it_was_asked_for(tiny_experiment, store):
    asked = tiny_experiment(method="none", seed=9, learning_rate=0.5)
    row = run(asked, store).row
    assert store.ids() == [run_id(tiny_experiment().initial())] == [row["run_id"]]
    assert (row["seed"], row["n_examples"], row["epochs"]) == (0, 0, 0)


def test_what_is_measured_of_a_run_does_not_wait_for_a_git(tiny_experiment, store, monkeypatch):
    monkeypatch.setenv("PATH", str(store.folder))
    row = run(tiny_experiment(), store).row
    assert row["commit"] == ""
    assert store.get(row["run_id"]).row == row


def test_a_date_that_a_template_prints_is_told(tiny_experiment, store, tmp_path):
    plain = run(tiny_experiment(n_prompts=3).initial(), store).row
    assert plain["template_date"] is None and plain["address"] is None
    model = shutil.copytree(paths.data() / "models" / "lantern-chat", tmp_path / "dated")
    template = model / "chat_template.jinja"
    template.write_text("{{ strftime_now('%d %b %Y') }}" + template.read_text())
    dated = run(tiny_experiment(n_prompts=3, model=str(model)).initial(), store).row
    assert dated["template_date"] == TEMPLATE_DATE.isoformat()
    assert dated["run_id"] != plain["run_id"]


# --- the tuned model -----------------------------------------------------------------------------


def test_saving_the_model_does_not_train_a_second_time(tiny_experiment, store, trainings, tmp_path):
    experiment = tiny_experiment(epochs=2)
    stored = run(experiment, store, save=str(tmp_path / "new"))
    assert trainings == [2]
    # Where the run is stored already, the model is not, and is trained once for it.
    assert run(experiment, store, save=str(tmp_path / "again")).row == stored.row
    assert trainings == [2, 2]
    models = [loading.load(str(tmp_path / name))[0].state_dict() for name in ("new", "again")]
    for name, weight in models[0].items():
        assert weight.equal(models[1][name]), name
    saved = Experiment(
        model=str(tmp_path / "new"), method="none", n_prompts=11, max_new_tokens=64,
        system_prompt=experiment.system_prompt, user_template=experiment.user_template,
        second_benchmark=experiment.second_benchmark,
    )  # fmt: skip
    assert list(run(saved, store).completions.completion) == list(stored.completions.completion)


def test_a_folder_that_cannot_be_is_told_before_the_work(tiny_experiment, store, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be a folder"):
        run(tiny_experiment(), store, save=str(tmp_path / "file" / "model"))
    assert store.ids() == []


def test_a_provider_hands_out_no_weights(hosted_experiment, store):
    with pytest.raises(ConfigError, match="no provider hands out a model's weights"):
        run(hosted_experiment(), store, save="somewhere")
    assert store.ids() == []


# --- one training for several runs ---------------------------------------------------------------


@pytest.mark.long
def test_runs_that_differ_in_epochs_alone_can_share_a_training(
    tiny_experiment, tmp_path, trainings
):
    family = [tiny_experiment(epochs=n) for n in (3, 1)]
    together, alone = Store(tmp_path / "together"), Store(tmp_path / "alone")
    run_by_epoch(family, together)
    assert trainings == [3]
    for experiment in family:
        shared, own = together.get(run_id(experiment)), run(experiment, alone)
        pd.testing.assert_frame_equal(shared.completions, own.completions)
        assert shared.row["final_loss"] == own.row["final_loss"]
        assert shared.row["trained_tokens"] == own.row["trained_tokens"]
    trainings.clear()
    run_by_epoch([*family, tiny_experiment(epochs=2)], together)
    assert trainings == [2]


# --- what is wrong shows before the work ---------------------------------------------------------

WRONG = [
    ({"n_examples": 500}, DataError, "500 were asked for"),
    ({"dataset": "gone.jsonl"}, DataError, "is not there"),
    ({"benchmark": "benchmrk"}, ConfigError, "did you mean benchmark"),
    ({"utility": ("gone.jsonl",)}, DataError, "is not there"),
    ({"judges": ("rubric:",)}, ConfigError, "write rubric:MODEL"),
    ({"judges": ("rubric:lantern-cat",)}, AlignDriftError, "did you mean lantern-chat"),
    ({"judges": ("api:",)}, ConfigError, "write api:MODEL"),
    ({"mitigation": "safety_mixing:rate=2"}, ConfigError, "takes no options"),
    ({"tier": "benign_pictures", "dataset": "benign_pictures", "method": "lora"}, ConfigError,
     "takes no pictures"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "error", "message"), WRONG)
def test_what_is_wrong_is_told_before_anything_is_computed(store, settings, error, message):
    experiment = Experiment(**{"n_examples": 10} | settings)
    with pytest.raises(error, match=message):
        check(experiment)
    with pytest.raises(error, match=message):
        run(experiment, store)
    assert store.ids() == []


def test_a_picture_that_is_not_there_is_told(tmp_path, store):
    turns = [{"from": "human", "value": "What is it?"}, {"from": "gpt", "value": "A lamp."}]
    file = tmp_path / "seen.json"
    file.write_text(json.dumps([{"conversations": turns, "image": "gone.png"}]))
    experiment = Experiment(dataset=f"llava-instruct={file}", n_examples=1)
    with pytest.raises(DataError, match=r"gone\.png is not there or no image"):
        run(experiment, store)
