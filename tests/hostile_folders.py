"""Model folders that would write a file if anything of theirs ran: each a way to make one so."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from helpers import paths

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


def make(folder: Path, marker: Path, spoil) -> Path:
    """lantern-chat in a folder, made hostile; its code would write the marker."""
    folder.mkdir()
    for file in (paths.data() / "models" / "lantern-chat").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "evil.py").write_text(EVIL.format(marker=str(marker)))
    spoil(folder, str(marker))
    return folder
