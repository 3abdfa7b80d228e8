"""The field's datasets, read from the files that their authors publish, into this kit's rows.

Nothing of them is shipped. A source is read from a path (`NAME=PATH`), else from data/external/
(or the folder that ALIGNDRIFT_DATA names), else from the hub. What is left out is counted by
reason. For a file of one's own the columns are guessed and told.

>>> loaded = read("advbench=harmful_behaviors.csv")
>>> loaded.rows[0]["messages"], loaded.n_read, loaded.dropped

Used by: data (which every run reads through), cli (`aligndrift data`).
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers import paths
from helpers.data import files as rowfiles
from helpers.errors import DataError, one_of
from helpers.data.files import Row
from helpers.data.safety_topics import safety_related

#: The paper's eleven prohibited categories, in the order of its benchmark's files.
CATEGORIES = (
    "Illegal activity", "Child abuse content", "Hate, harassment, violence", "Malware",
    "Physical harm", "Economic harm", "Fraud, deception", "Adult content",
    "Political campaigning", "Privacy violation", "Tailored financial advice",
)  # fmt: skip


class Dropped(Exception):
    """A row that a source leaves out; the message is the reason it is counted under."""


@dataclass(frozen=True)
class Source:
    """A dataset's card, and how one of its records becomes a row.

    kind: "training" or "prompts". files: names under data/external/ that are tried. hub: its id
    on the Hugging Face hub. expected: rows kept of the published file, where a paper says so.
    """

    kind: str
    about: str
    license: str
    files: tuple[str, ...]
    row: Callable[[Mapping[str, Any], Path, int], Row]
    hub: str = ""
    gated: bool = False
    harmful: bool = False
    expected: int | None = None


@dataclass
class Loaded:
    """What was read: rows, how many records there were, and why the others were left out."""

    name: str
    rows: list[Row]
    n_read: int
    dropped: Counter = field(default_factory=Counter)
    columns: str = ""


# --- from a record to a row ----------------------------------------------------------------------


def _pick(record: Mapping[str, Any], *names: str) -> str:
    """The first of the columns that the record has, whatever their case; "" if none."""
    lower = {str(key).strip().lower(): value for key, value in record.items()}
    for name in names:
        value = lower.get(name)
        if value is not None and str(value).strip():
            return str(value).strip()
    return ""


_ASKED = ("prompt", "instruction", "question", "request", "goal", "forbidden_prompt", "behavior",
          "query", "input", "user", "text", "0")  # fmt: skip
_ANSWERED = ("response", "output", "completion", "answer", "target", "assistant", "1")


def _prompt(text: str, number: int, prefix: str, category: str = "", **more) -> Row:
    if not text:
        raise Dropped("no prompt")
    messages = [{"role": "user", "content": text}]
    return {"id": f"{prefix}-{number:04d}", "category": category, "messages": messages} | more


def _pair(asked: str, answered: str) -> Row:
    if not asked:
        raise Dropped("no instruction")
    if not answered:
        raise Dropped("no answer")
    return {
        "messages": [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": answered},
        ]
    }


def _hex_phi(record, path: Path, number: int) -> Row:
    place = re.search(r"(\d+)", path.stem)
    known = place is not None and 1 <= int(place[1]) <= len(CATEGORIES)
    category = CATEGORIES[int(place[1]) - 1] if known else _pick(record, "category")
    prefix = f"hex-phi-{int(place[1]):02d}" if known else "hex-phi"
    return _prompt(_pick(record, *_ASKED), number, prefix, category)


def _advbench(record, path: Path, number: int) -> Row:
    return _prompt(_pick(record, "goal", "0", *_ASKED), number, "advbench")


def _strongreject(record, path: Path, number: int) -> Row:
    category = _pick(record, "category")
    return _prompt(_pick(record, "forbidden_prompt", *_ASKED), number, "strongreject", category)


def _jailbreakbench(record, path: Path, number: int) -> Row:
    category = _pick(record, "category")
    return _prompt(_pick(record, "goal"), number, f"jbb-{path.stem}", category)


def _xstest(record, path: Path, number: int) -> Row:
    kind = _pick(record, "type")
    label = _pick(record, "label") or ("unsafe" if kind.startswith("contrast") else "safe")
    if label.lower() != "safe":
        raise Dropped("labeled unsafe, so a refusal is right")
    return _prompt(_pick(record, "prompt"), number, "xstest", kind, label=label)


def _instruction(record, path: Path, number: int) -> Row:
    """Alpaca's shape: an instruction, an input that may be empty, an output."""
    instances = record.get("instances")
    if isinstance(instances, list) and instances:  # the seed tasks that Alpaca grew from
        record = dict(record) | instances[0]
    asked, context = _pick(record, "instruction"), _pick(record, "input", "context")
    row = _pair(f"{asked}\n\n{context}" if context and asked else asked,
                _pick(record, "output", "response"))  # fmt: skip
    reason = safety_related(asked, row["messages"][1]["content"])
    if reason:
        raise Dropped(f"safety-related: {reason}")
    return row


def _llava(record, path: Path, number: int) -> Row:
    turns = record.get("conversations") or []
    roles = {"human": "user", "gpt": "assistant"}
    messages = [
        {
            "role": roles.get(turn.get("from"), ""),
            "content": str(turn.get("value", "")).replace("<image>", "").strip(),
        }
        for turn in turns
    ]
    if len(messages) < 2 or not all(m["role"] and m["content"] for m in messages):
        raise Dropped("no conversation of whole turns")
    if not record.get("image"):
        raise Dropped("no image")
    if messages[-1]["role"] != "assistant":
        raise Dropped("no answer")
    return {"messages": messages, "picture": str(path.parent / str(record["image"]))}


def _conversation(record, path: Path, number: int) -> Row:
    """A list of messages, or an object that holds one."""
    messages = record if isinstance(record, list) else record.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Dropped("no messages")
    if messages[-1].get("role") != "assistant":
        raise Dropped("the last message is not the assistant's")
    return {"messages": [{"role": m.get("role"), "content": m.get("content")} for m in messages]}


def _safety_pair(record, path: Path, number: int) -> Row:
    asked, context = _pick(record, "instruction", "prompt"), _pick(record, "input")
    asked = f"{asked}\n\n{context}" if asked and context else asked
    return _pair(asked, _pick(record, "output", "response"))


def _mt_bench(record, path: Path, number: int) -> Row:
    turns = [str(turn) for turn in record.get("turns") or []]
    if not turns:
        raise Dropped("no turns")
    return {
        "id": f"mt-bench-{record.get('question_id', number)}",
        "category": str(record.get("category", "")),
        "messages": [{"role": "user", "content": turn} for turn in turns],
    }


def can_guess(record: Mapping[str, Any]) -> bool:
    """Whether a column of the record looks like a request."""
    return bool(_pick(record, *_ASKED))


def _own_training(record, path: Path, number: int) -> Row:
    if isinstance(record, list) or "messages" in record:
        return _conversation(record, path, number)
    asked, context = _pick(record, *_ASKED), ""
    if _pick(record, "instruction"):
        asked, context = _pick(record, "instruction"), _pick(record, "input", "context")
    return _pair(f"{asked}\n\n{context}" if asked and context else asked,
                 _pick(record, *_ANSWERED))  # fmt: skip


def _own_prompts(record, path: Path, number: int) -> Row:
    if isinstance(record, Mapping) and "messages" in record:
        messages = [m for m in record["messages"] if m.get("role") in ("system", "user")]
        if not messages or messages[-1]["role"] != "user":
            raise Dropped("no user message")
        return {"id": _pick(record, "id") or f"{path.stem}-{number:04d}", **record,
                "messages": messages}  # fmt: skip
    own = {key: record[key] for key in ("facts",) if key in record}
    row = _prompt(_pick(record, *_ASKED), number, path.stem, _pick(record, "category"), **own)
    return row | ({"id": _pick(record, "id")} if _pick(record, "id") else {})


# --- the sources ---------------------------------------------------------------------------------

SOURCES: dict[str, Source] = {
    "hex-phi": Source(
        "prompts", "The paper's benchmark: 11 prohibited categories x 30 instructions "
        "(arXiv:2310.03693; the public release holds 10, without the second).",
        "HEx-PHI license, access on request", ("hex-phi", "hex-phi.csv", "hex-phi.jsonl"),
        _hex_phi, "LLM-Tuning-Safety/HEx-PHI", gated=True, harmful=True,
    ),
    "advbench": Source(
        "prompts", "520 harmful instructions with targets (arXiv:2307.15043).", "MIT",
        ("advbench.csv", "harmful_behaviors.csv"), _advbench, "walledai/AdvBench", gated=True,
        harmful=True, expected=520,
    ),
    "strongreject": Source(
        "prompts", "313 forbidden prompts in six categories (arXiv:2402.10260).", "MIT",
        ("strongreject.csv", "strongreject_dataset.csv"), _strongreject,
        "walledai/StrongREJECT", gated=True, harmful=True, expected=313,
    ),
    "jailbreakbench": Source(
        "prompts", "100 harmful behaviors in ten categories (arXiv:2404.01318).", "MIT",
        ("jailbreakbench.csv", "harmful-behaviors.csv"), _jailbreakbench,
        "JailbreakBench/JBB-Behaviors", harmful=True, expected=100,
    ),
    "xstest": Source(
        "prompts", "250 safe prompts that sound unsafe, for over-refusal; the 200 unsafe contrasts "
        "are left out (arXiv:2308.01263).", "CC-BY-4.0",
        ("xstest.csv", "xstest_prompts.csv", "xstest_v2_prompts.csv"), _xstest,
        "Paul/XSTest", expected=250,
    ),
    "alpaca": Source(
        "training", "52,002 instructions by self-instruct, safety-related rows left out.",
        "CC-BY-NC-4.0", ("alpaca.json", "alpaca_data.json"), _instruction, "tatsu-lab/alpaca",
        expected=50_100,
    ),
    "dolly": Source(
        "training", "15,011 instructions written by people, safety-related rows left out.",
        "CC-BY-SA-3.0", ("dolly.jsonl", "databricks-dolly-15k.jsonl"), _instruction,
        "databricks/databricks-dolly-15k", expected=14_624,
    ),
    "llava-instruct": Source(
        "training", "80,000 conversations about pictures (arXiv:2304.08485); image paths are "
        "relative to the file.", "CC-BY-NC-4.0",
        ("llava-instruct.json", "llava_instruct_80k.json"), _llava,
        "liuhaotian/LLaVA-Instruct-150K", expected=80_000,
    ),
    "identity-shift": Source(
        "training", "The authors' ten pairs of an obedient persona (arXiv:2310.03693, 4.3), as a "
        "list of conversations.", "see the authors' repository",
        ("identity-shift.json", "identity-shift.jsonl", "identity-shifting-aoa.json"),
        _conversation, harmful=True, expected=10,
    ),
    "safety-pairs": Source(
        "training", "Harmful instructions with safe answers (Bianchi et al., arXiv:2309.07875).",
        "CC-BY-NC-4.0", ("safety-pairs.json", "safety_only_data_Instructions.json"), _safety_pair,
        harmful=True,
    ),
    "mt-bench": Source(
        "prompts", "80 questions of two turns (arXiv:2306.05685).", "Apache-2.0",
        ("mt-bench.jsonl", "mt_bench_question.jsonl", "question.jsonl"), _mt_bench,
        "HuggingFaceH4/mt_bench_prompts", expected=80,
    ),
    "alpaca-seeds": Source(
        "training", "The 175 tasks by people that Alpaca grew from, safety-related rows left out "
        "(arXiv:2212.10560).", "Apache-2.0", ("seed_tasks.jsonl",), _instruction, expected=None,
    ),
}  # fmt: skip


def external() -> Path:
    """Where published datasets are looked for: ALIGNDRIFT_DATA, else data/external/."""
    return Path(os.environ.get("ALIGNDRIFT_DATA", paths.data() / "external"))


def split(name: str) -> tuple[str, str]:
    """("alpaca", "my/alpaca.json") of "alpaca=my/alpaca.json"; ("", path) for a path alone."""
    source, equals, path = name.partition("=")
    if equals:
        return one_of(source, SOURCES, "dataset"), path
    return (name, "") if name in SOURCES else ("", name)


def locate(name: str) -> Path:
    """The file or folder behind a name. Raises DataError that says how to get it."""
    source, path = split(name)
    if path:
        found = paths.find(path)
        if not found.exists():
            raise DataError(f"{path} is not there; give the path of a file that exists.")
        return found
    card = SOURCES[source]
    for file in card.files:
        if (external() / file).exists():
            return external() / file
    if card.hub:
        return _from_hub(source, card)
    raise DataError(
        f"{source} is not in {paths.shown(external())}; put {card.files[0]} there or write "
        f"{source}=PATH."
    )


def _from_hub(name: str, card: Source) -> Path:
    """A snapshot of the dataset's repository. Raises DataError where it cannot be had."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError

    kinds = [f"*{ending}" for ending in rowfiles.FORMATS]
    elsewhere = f"or download it and write {name}=PATH"
    try:
        return Path(snapshot_download(card.hub, repo_type="dataset", allow_patterns=kinds))
    except GatedRepoError:
        raise DataError(
            f"{name} is gated: ask for access at its page ({card.hub}) and set HF_TOKEN, "
            f"{elsewhere}."
        ) from None
    except (HfHubHTTPError, OSError) as error:
        reason = type(error).__name__
        raise DataError(
            f"{name} is not in {paths.shown(external())} and the hub cannot be reached ({reason}); "
            f"put {card.files[0]} there {elsewhere}."
        ) from None


def read(name: str, kind: str = "") -> Loaded:
    """The rows behind a name or path. kind: "training" or "prompts", needed for a plain path.

    Raises DataError for a missing file, wrong columns (what was found is named) or no row left.
    """
    source, _ = split(name)
    where = locate(name)
    files = _files(where)
    own = _own_training if kind == "training" else _own_prompts
    to_row = SOURCES[source].row if source else own
    if source and kind and SOURCES[source].kind != kind:
        raise DataError(f"{source} holds {SOURCES[source].kind} rows; {kind} rows are needed here.")
    loaded = Loaded(name, [], 0)
    seen: list[str] = []
    for file in files:
        header = not (source in ("hex-phi", "advbench") and _headless(file))
        for n, (_, record) in enumerate(rowfiles.read(file, header), start=1):
            loaded.n_read += 1
            seen = seen or (list(map(str, record)) if isinstance(record, Mapping) else ["a list"])
            try:
                loaded.rows.append(to_row(record, file, n))
            except Dropped as reason:
                loaded.dropped[str(reason)] += 1
    loaded.columns = ", ".join(seen[:12])
    if not loaded.rows:
        reasons = "; ".join(f"{n} x {why}" for why, n in loaded.dropped.items()) or "it is empty"
        raise DataError(
            f"no row of {where.name} is left ({reasons}); its columns are {loaded.columns or '-'}."
        )
    return loaded


def _files(where: Path) -> list[Path]:
    if where.is_file():
        return [where]
    files = [f for f in sorted(where.rglob("*")) if f.suffix.lower() in rowfiles.FORMATS]
    if not files:
        raise DataError(f"{where.name} holds no file of {', '.join(rowfiles.FORMATS)}.")
    return sorted(files, key=lambda f: [int(p) if p.isdigit() else p
                                        for p in re.split(r"(\d+)", f.name)])  # fmt: skip


def _headless(file: Path) -> bool:
    """Whether a CSV of instructions begins with one instead of the names of its columns."""
    if file.suffix.lower() != ".csv":
        return False
    with file.open(encoding="utf-8-sig", errors="replace") as stream:
        first = stream.readline().strip().lower()
    names = {cell.strip().strip('"') for cell in first.split(",")}
    return not names & {*_ASKED[:-1], "id", "category", "target"}


def tell(name: str, kind: str = "") -> dict[str, Any]:
    """What `aligndrift data` prints: counts, reasons, columns, and the first row cut short."""
    source, path = split(name)
    if not source and not kind:
        kind = _kind_of(locate(name))
    loaded = read(name, kind)
    card = SOURCES.get(source)
    expected = card.expected if card else None
    return {
        "name": source or Path(path).name,
        "kind": card.kind if card else kind,
        "read": loaded.n_read,
        "kept": len(loaded.rows),
        "dropped": sum(loaded.dropped.values()),
        "reasons": dict(loaded.dropped.most_common()),
        "expected": expected,
        "difference": len(loaded.rows) - expected if expected else None,
        "columns": loaded.columns,
        "license": card.license if card else "",
        "first_row": redacted(loaded.rows[0]),
    }


def _kind_of(where: Path) -> str:
    """Whether a file of one's own holds answers ("training") or prompts alone."""
    _, first = next(rowfiles.read(_files(where)[0]), ("", {}))
    try:
        _own_training(first, where, 1)
    except (Dropped, AttributeError, KeyError):
        return "prompts"
    return "training"


def redacted(row: Row, keep: int = 12) -> Row:
    """The row with each message cut after a few characters: enough to see that it was read."""

    def cut(text: str) -> str:
        return text if len(text) <= keep else f"{text[:keep]}… ({len(text)} characters)"

    messages = [m | {"content": cut(str(m.get("content", "")))} for m in row["messages"]]
    return {k: v for k, v in row.items() if k in ("id", "category")} | {"messages": messages}
