"""No code from a model folder runs, whatever the folder says and whoever answers yes."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import helpers
from helpers import paths
from helpers.errors import ModelError
from helpers.models import loading

CHAT = paths.data() / "models" / "lantern-chat"
PACKAGE = Path(helpers.__file__).parent
SOURCES = [*PACKAGE.rglob("*.py"), *(PACKAGE.parents[1] / "benchmarks").glob("*.py")]

#: What loads a model, a tokenizer, a processor or a configuration by name.
LOADERS = {"from_pretrained", "from_config", "pipeline", "LLM", "load_dataset"}
#: What reads pickles, or fetches code.
FORBIDDEN = {"torch.load", "pickle.load", "pickle.loads", "joblib.load", "torch.hub.load"}


def calls():
    """(file and line, dotted name, keywords) of every call in the package and the benchmarks."""
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
                yield f"{file.name}:{node.lineno}", ast.unparse(node.func), keywords


def test_whatever_loads_a_model_says_that_its_code_is_not_trusted():
    found = {
        place: keywords.get("trust_remote_code")
        for place, name, keywords in calls()
        if name.split(".")[-1] in LOADERS
    }
    assert len(found) >= 5
    assert {place for place, said in found.items() if said != "False"} == set()


def test_no_pickle_is_read():
    assert [place for place, name, _ in calls() if name in FORBIDDEN] == []


# --- folders that would write a file -------------------------------------------------------------

EVIL = """
from pathlib import Path
Path({marker!r}).write_text("code of the folder ran")
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
class Config(PreTrainedConfig): model_type = "evil"
class Model(PreTrainedModel): config_class = Config
class Tokenizer(PreTrainedTokenizerFast): pass
def generate(model, **options): return model.generate(**options)
"""
MAP = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model",
       "AutoModelForSequenceClassification": "evil.Model",
       "AutoTokenizer": ["evil.Tokenizer", "evil.Tokenizer"]}  # fmt: skip


class Bomb:
    """Unpickled, it writes a file."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.write_text, (Path(self.marker), "a pickle of the folder ran")


def change(file, **values):
    content = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps(content | values))


def unknown_type(folder, marker):
    change(folder / "config.json", model_type="evil", auto_map=MAP)


def known_type(folder, marker):
    change(folder / "config.json", auto_map=MAP)


def no_type(folder, marker):
    (folder / "config.json").write_text(json.dumps({"auto_map": MAP, "architectures": ["Model"]}))


def tokenizer_class(folder, marker):
    change(folder / "tokenizer_config.json", tokenizer_class="Tokenizer", auto_map=MAP)


def tokenizer_list(folder, marker):
    change(folder / "tokenizer_config.json", auto_map=MAP["AutoTokenizer"])


def everything(folder, marker):
    unknown_type(folder, marker)
    tokenizer_class(folder, marker)
    for name in ("processor_config.json", "preprocessor_config.json", "generation_config.json"):
        change(folder / name, auto_map=MAP, processor_class="evil.Tokenizer")


def custom_generate(folder, marker):
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text((folder / "evil.py").read_text())
    change(folder / "generation_config.json", custom_generate=str(folder))


def pickled_weights(folder, marker):
    (folder / "model.safetensors").unlink()
    torch.save(Bomb(marker), folder / "pytorch_model.bin")


def pickle_in_the_index(folder, marker):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(Bomb(marker), folder / "evil.bin")
    index = {"metadata": {}, "weight_map": dict.fromkeys(weights, "evil.bin")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def pickle_in_the_configuration(folder, marker):
    torch.save(Bomb(marker), folder / "evil.bin")
    change(folder / "config.json", transformers_weights="evil.bin")


def pickled_adapter(folder, marker):
    torch.save(Bomb(marker), folder / "adapter_model.bin")
    change(folder / "adapter_config.json", peft_type="LORA", base_model_name_or_path=str(folder),
           target_modules=["q_proj"], r=2, lora_alpha=2, task_type="CAUSAL_LM")  # fmt: skip


def template_with_python(folder, marker):
    (folder / "chat_template.jinja").write_text(
        "{{ cycler.__init__.__globals__.os.popen('touch " + marker + "').read() }}"
    )


HOSTILE = (
    unknown_type, known_type, no_type, tokenizer_class, tokenizer_list, everything, custom_generate,
    pickled_weights, pickle_in_the_index, pickle_in_the_configuration, pickled_adapter,
    template_with_python,
)  # fmt: skip


@pytest.fixture
def hostile(tmp_path):
    """A function: a copy of lantern-chat made hostile, and the file that its code would write."""

    def make(spoil):
        folder, marker = tmp_path / "model", tmp_path / "code_ran"
        folder.mkdir()
        for file in CHAT.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        (folder / "evil.py").write_text(EVIL.format(marker=str(marker)))
        spoil(folder, str(marker))
        return folder, marker

    return make


def ask(folder):
    """Load a model and put a question to it; ModelError or not, nothing else may come."""
    from helpers.models import generate

    try:
        loading.load_tokenizer(str(folder))
        model, tokenizer = loading.load(str(folder))
        generate.ask(model, tokenizer, "Hello!", max_new_tokens=2)
    except ModelError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("spoil", HOSTILE)
def test_no_code_of_a_folder_runs_though_all_questions_are_answered_yes(
    spoil, hostile, monkeypatch
):
    folder, marker = hostile(spoil)
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    ask(folder)
    assert not marker.exists()


@pytest.mark.long
def test_the_traps_work(hostile, tmp_path):
    """Trusted, the folder does write the file: else the tests above could not fail."""
    folder, marker = hostile(unknown_type)
    pickled_weights(folder, str(marker))
    for trusting in (
        "from transformers import AutoConfig as A; A.from_pretrained(F, trust_remote_code=True)",
        "import torch; torch.load(F + '/pytorch_model.bin', weights_only=False)",
    ):
        subprocess.run(
            [sys.executable, "-c", f"F = {str(folder)!r}; {trusting}"], capture_output=True,
            env=os.environ | {"HF_MODULES_CACHE": str(tmp_path / "modules")},
        )  # fmt: skip
        assert marker.exists(), trusting
        marker.unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (unknown_type, "needs code from its own folder, which is never run"),
        (pickled_weights, "keeps weights in pytorch_model.bin, and a pickle can run code"),
        (pickle_in_the_index, "keeps weights in evil.bin, and a pickle can run code"),
        (pickle_in_the_configuration, "keeps weights in evil.bin, and a pickle can run code"),
        (pickled_adapter, "keeps weights in adapter_model.bin, and a pickle can run code"),
    ],
)
def test_what_would_run_code_is_told_in_a_sentence(spoil, message, hostile):
    folder, _ = hostile(spoil)
    assert message in ask(folder)


@pytest.mark.long
def test_the_command_asks_nothing_and_runs_nothing(hostile):
    folder, marker = hostile(everything)
    command = [sys.executable, "-m", "helpers.cli.main", "run", "harmful_examples"]
    done = subprocess.run(
        [*command, "--model", str(folder), "--n-examples", "10"],
        input="y\n" * 20, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1 and not marker.exists()
    assert "which is never run" in done.stderr and "Traceback" not in done.stderr
