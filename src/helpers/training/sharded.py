"""Fine-tuning over several GPUs: weights, gradients and Adam's moments in shards (FSDP).

`fine_tune` starts one process a GPU and reads back the tuned model from a folder; nothing else of
a run knows of it. The same by hand, on one machine or several:

    accelerate launch --num_processes 4 -m helpers.training.sharded FOLDER
    torchrun --nproc-per-node 4 -m helpers.training.sharded FOLDER

where FOLDER holds a spec.json as written here. Without GPUs the processes talk by gloo, which is
how it is tested. Each micro-batch of a step goes to one process; the step is the whole batch's.

Used by: local, where an experiment asks for several processes.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from helpers.training import adapters
from helpers.training import loop as finetune
from helpers.models import loading as models
from helpers.models.chat import encode_all
from helpers.errors import ConfigError, ModelError
from helpers.experiments.experiment import Experiment
from helpers.experiments.training_set import dressed

#: Methods whose weights can be sharded here.
METHODS = ("full", "lora")


def fine_tune(rows: Sequence[dict], e: Experiment):
    """The tuned model, in memory, its tokenizer, and the loss of each step. Raises ModelError."""
    if e.method not in METHODS:
        raise ConfigError(f"method {e.method} takes one process; use full or lora for several.")
    with tempfile.TemporaryDirectory() as folder:
        spec = {"experiment": asdict(e), "rows": list(rows)}
        (Path(folder) / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        count = ["--nproc-per-node", str(e.processes)]
        command = [*launcher, *count, "-m", "helpers.training.sharded", folder]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "Error" in line] or ["no reason"]
            raise ModelError(f"fine-tuning on {e.processes} processes failed: {said[-1].strip()}")
        losses = json.loads((Path(folder) / "losses.json").read_text())
        return *models.load(str(Path(folder) / "model"), e.dtype), losses


def work(folder: Path) -> None:
    """One process's part: train its micro-batches; the first process saves the whole model."""
    import torch
    import torch.distributed as dist
    from accelerate import PartialState
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
    from torch.distributed.fsdp import fully_shard

    state = PartialState(cpu=not torch.cuda.is_available())
    spec = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    e = Experiment(**spec["experiment"])
    model, tokenizer = models.load(e.model, e.dtype)
    model = model.to(state.device)
    examples = encode_all(tokenizer, [dressed(row, e) for row in spec["rows"]], e.max_length)
    model = adapters.prepare(model, e)
    for layer in model.get_base_model().model.layers if e.method != "full" else model.model.layers:
        fully_shard(layer)
    fully_shard(model)
    losses = finetune.train(
        model, examples, **e.training, pad_id=tokenizer.pad_token_id or 0,
        process=(state.process_index, state.num_processes),
    )  # fmt: skip
    whole = get_model_state_dict(
        model, options=StateDictOptions(full_state_dict=True, cpu_offload=True)
    )
    if state.is_main_process:
        fresh, _ = models.load(e.model, e.dtype)
        fresh = adapters.prepare(fresh, e)
        fresh.load_state_dict(whole)
        adapters.finish(fresh, e).save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")
        (folder / "losses.json").write_text(json.dumps(losses))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    work(Path(sys.argv[1]))
