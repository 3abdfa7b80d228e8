"""Fine-tuning over several GPUs: weights, gradients and what AdamW keeps in shards (FSDP).

`tune` starts one process a GPU and reads back the tuned model from a folder; nothing else of a run
knows of it. The same by hand, on one machine or several:

    accelerate launch --num_processes 4 -m helpers.training.sharded FOLDER
    torchrun --nproc-per-node 4 -m helpers.training.sharded FOLDER

where FOLDER holds a job.json as written here. Without GPUs the processes talk by gloo, which is
how it is tested. Each micro-batch of a step goes to one process; the step is the whole batch's.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers.errors import AlignDriftError, ModelError
from helpers.models import loading
from helpers.models.chat import encode_all
from helpers.training import loop, tuning

#: How often processes are started. A crash that none of them can tell of (a port that was taken
#: meanwhile, an abort in a library) is not the training's; want of memory comes again, and is told.
LAUNCHES = 2


def tune(model: str, rows: Sequence[dict], settings: Mapping[str, Any], dtype: str) -> tuning.Tuned:
    """As tuning.tune, by settings["processes"] processes. Raises ModelError."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job = {"model": model, "dtype": dtype, "settings": dict(settings), "rows": list(rows)}
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        count = ["--nproc-per-node", str(settings["processes"])]
        command = [*launcher, *count, "-m", "helpers.training.sharded", name]
        for _ in range(LAUNCHES):
            done = subprocess.run(command, capture_output=True, text=True)
            # Who has written the result was through; how processes part afterwards changes nothing.
            if (folder / "result.json").exists():
                result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
                return tuning.Tuned(*loading.load(str(folder / "model"), dtype), **result)
            if _told(folder) or "SIGKILL" in done.stderr:
                break
        reason = _reason(folder, done.stderr)
        raise ModelError(f"fine-tuning on {settings['processes']} processes failed: {reason}")


def _told(folder: Path) -> str:
    """What the first process that failed wrote down before it ended; empty if none could."""
    files = sorted(folder.glob("error-*.txt"), key=lambda file: file.stat().st_mtime_ns)
    return files[0].read_text(encoding="utf-8") if files else ""


def _reason(folder: Path, printed: str) -> str:
    """In a sentence: what a process wrote, a signal that ended one, or the launcher's last line."""
    if told := _told(folder):
        return told
    if signal := re.search(r"Signal \d+ \((SIG[A-Z]+)\)", printed):
        hint = ", perhaps for want of memory" if signal[1] == "SIGKILL" else ""
        return f"a process was ended by {signal[1]}{hint}."
    last = printed.strip().splitlines()[-1:] or ["nothing was printed"]
    return f"the processes did not come together ({last[0]})."


def work(folder: Path) -> None:
    """One process's part: train its micro-batches; the first process saves the whole model."""
    import torch
    import torch.distributed as dist
    from accelerate import PartialState
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    state = PartialState(cpu=not torch.cuda.is_available())
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    settings = job["settings"]
    model, tokenizer = loading.load(job["model"], job["dtype"])
    model = model.to(state.device)
    conversations = [row["messages"] for row in job["rows"]]
    examples = encode_all(tokenizer, conversations, settings["max_length"])
    model = tuning.prepare(model, settings)
    causal = model.get_base_model() if hasattr(model, "peft_config") else model
    policy = MixedPrecisionPolicy(reduce_dtype=torch.float32)  # gradients of all processes add up
    for layer in causal.model.layers:
        fully_shard(layer, mp_policy=policy)
    fully_shard(model, mp_policy=policy)
    losses = loop.train(
        model, examples, **loop.arguments(settings, tokenizer),
        process=(state.process_index, state.num_processes),
    )  # fmt: skip
    whole = get_model_state_dict(
        model, options=StateDictOptions(full_state_dict=True, cpu_offload=True)
    )
    if state.is_main_process:
        fresh, _ = loading.load(job["model"], job["dtype"])
        fresh = tuning.prepare(fresh, settings)
        fresh.load_state_dict(whole)
        tuning.finish(fresh, settings).save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")
        tokens = settings["epochs"] * sum(len(example.input_ids) for example in examples)
        result = {"losses": losses, "trained_tokens": tokens}
        (folder / "result.part").write_text(json.dumps(result), encoding="utf-8")
        (folder / "result.part").rename(folder / "result.json")  # whole, or not there
    dist.barrier()
    dist.destroy_process_group()


def main() -> None:
    """Work on the folder that is named; what stops it is written there for the one who waits."""
    folder = Path(sys.argv[1])
    try:
        work(folder)
    except (AlignDriftError, RuntimeError, OSError, ValueError, KeyError) as error:
        (folder / f"error-{os.getpid()}.txt").write_text(f"{error}", encoding="utf-8")
        raise


if __name__ == "__main__":
    main()
