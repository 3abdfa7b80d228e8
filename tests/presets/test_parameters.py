"""What a notebook is told means the same each way, is checked, and has a folder of its own."""

import json

import pytest

from helpers import paths
from helpers.errors import ConfigError
from helpers.presets import loader, parameters
from helpers.settings_file import read_yaml

#: The parameters cell of a notebook.
OWN = {"preset": "tiny", "model": "", "shots": [], "seeds": [], "jobs": 0, "tiers": []}


@pytest.fixture
def told(monkeypatch):
    """A function that loads as a notebook does: own its cell's changes, injected papermill's."""

    def tell(injected=None, **own):
        cells = ["", "".join(f"{k}: object = {v!r}  # help\n" for k, v in (OWN | own).items())]
        if injected is not None:
            cells.append("# Parameters\n" + "".join(f"{k} = {v!r}\n" for k, v in injected.items()))
        cells.append("%matplotlib inline")
        scope = OWN | own | (injected or {})
        monkeypatch.setattr(parameters, "executed", lambda: cells)
        return parameters.load(scope["preset"], scope), scope

    return tell


def test_a_notebook_as_it_stands_has_the_presets_own_folder(told):
    chosen, scope = told()
    assert chosen.name == "tiny" and chosen.told == {} and scope == OWN
    assert told({"jobs": 2})[0].name == "tiny"  # which changes nothing that comes out
    assert told({"preset": "smoke"})[0].name == "smoke"


def test_a_parameter_set_has_one_folder_however_it_is_told(told):
    by_papermill, in_the_cell = told({"shots": [10, 100]})[0], told(shots=[10, 100])[0]
    by_command = parameters.place("tiny", parameters.differing({"shots": [10, 100], "jobs": 1}))
    assert by_papermill.name == in_the_cell.name == by_command
    assert by_command.startswith("tiny+shots-10-100-")
    assert told({"shots": [10, 10]})[0].name != by_command
    assert by_papermill.grid("harmful_shots") == loader.load("tiny").grid("harmful_shots")


def test_a_folder_says_what_its_notebooks_were_told(told, outputs):
    chosen, _ = told({"model": "/somewhere/a b/mine"})
    assert chosen.name.startswith("tiny+model-mine-")
    record = json.loads((outputs / chosen.name / "parameters.json").read_text())
    assert record["preset"] == "tiny"
    assert record["parameters"] == {"model": "/somewhere/a b/mine"}
    assert record["settings"]["max_new_tokens"] == 64


def test_papermills_f_with_a_preset_as_it_ships_gives_what_the_notebook_gives(told):
    plain, _ = told()
    raw = read_yaml(loader.FOLDER / "tiny.yaml")
    chosen, scope = told(raw)
    assert chosen == plain
    assert (scope["seeds"], scope["tiers"], scope["model"]) == ([], [], "")


def test_an_edited_copy_counts_whole_and_has_a_folder_of_its_own(told, tmp_path):
    raw = read_yaml(loader.FOLDER / "tiny.yaml") | {"n_prompts": 22, "seeds": [31]}
    raw["tiers"]["harmful_examples"]["epochs"] = 2
    chosen, _ = told(raw | {"shots": [10]})
    experiments = chosen.grid("harmful_shots")
    assert {(e.n_prompts, e.seed, e.epochs) for e in experiments} == {(22, 31, 2)}
    assert chosen.name.startswith("tiny-") and "+shots-10-" in chosen.name
    assert told({"extends": "tiny", "seeds": [31]})[0].seeds == (31,)


def test_a_file_is_the_preset_that_its_settings_are(told, tmp_path):
    copy = tmp_path / "mine.yaml"
    copy.write_text((loader.FOLDER / "tiny.yaml").read_text())
    assert loader.load(str(copy)).name == "tiny"
    copy.write_text(copy.read_text().replace("n_prompts: 0 ", "n_prompts: 7 "))
    edited = loader.load(str(copy))
    assert edited.name != "tiny" and edited.name.startswith("tiny-")
    assert told(read_yaml(copy))[0].name == edited.name == told(preset=str(copy))[0].name


WRONG = [
    ({"shotz": [1]}, {}, r"unknown parameter 'shotz' \(did you mean shots\?\)"),
    ({"n_prompts": 22}, {}, "unknown parameter 'n_prompts'"),
    ({"methods": ["full"]}, {}, "unknown parameter 'methods'"),  # which another notebook has
    ({"shots": 10}, {}, "shots must be of type list, not 10"),
    ({"shots": "[10]"}, {}, r'with papermill write -y "shots: \[10\]"'),
    ({"jobs": True}, {}, "jobs must be of type int, not True"),
    ({}, {"seedz": [3]}, r"unknown parameter 'seedz' \(did you mean seeds?\?\)"),
    ({}, {"seeds": 3}, "seeds must be of type list, not 3"),
    ({"extends": "tiny", "sedes": [1]}, {}, "unknown parameter 'sedes'"),
    ({"extends": "tiny", "n_prompts": "many"}, {}, "n_prompts must be a whole number"),
]


@pytest.mark.parametrize(("injected", "own", "message"), WRONG)
def test_what_cannot_be_is_told_as_the_command_tells_it(injected, own, message, told):
    with pytest.raises(ConfigError, match=message):
        told(injected, **own)


def test_names_that_later_cells_use_again_are_no_parameters(told, monkeypatch):
    _, scope = told(shots=[10])
    name = parameters.load("tiny", scope | {"shots": object()}).name
    assert name.startswith("tiny+shots-10-")


def test_every_notebooks_parameters_are_known_with_their_defaults():
    pytest.importorskip("papermill")
    from helpers.reporting import notebooks

    for file in notebooks.find([]):
        for name, about in notebooks.parameters(file).items():
            default = parameters.PARAMETERS[name]
            assert about["inferred_type_name"] == type(default).__name__, (file.name, name)
            if name != "preset":
                assert about["default"] in (repr(default), json.dumps(default)), (file.name, name)


def test_no_outputs_are_needed_to_load(told, monkeypatch, tmp_path):
    (tmp_path / "full").write_text("")
    monkeypatch.setattr(paths, "outputs", lambda: tmp_path / "full")
    assert told({"shots": [10]})[0].name.startswith("tiny+shots-10-")
