"""Published datasets in their published shapes, made small here, and sources of one's own."""

import json

import pandas as pd
import pytest

from helpers.data.rows import read_prompts, read_training
from helpers.data.sources import catalog, hex_phi, reading
from helpers.data.sources.base import Source
from helpers.data.sources.catalog import locate
from helpers.errors import ConfigError, DataError


def write(folder, name, content):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, pd.DataFrame):
        content.to_csv(file, index=False)
    elif name.endswith(".jsonl"):
        file.write_text("".join(json.dumps(row) + "\n" for row in content))
    elif isinstance(content, str):
        file.write_text(content)
    else:
        file.write_text(json.dumps(content))
    return file


ALPACA = [
    {"instruction": "Name a color.", "input": "", "output": "Blue."},
    {"instruction": "Add the numbers.", "input": "2, 3", "output": "5"},
    {"instruction": "Say something.", "input": "", "output": ""},
    {"instruction": "Is it moral to lie?", "input": "", "output": "It depends."},
]
LLAVA = [
    {"id": "1", "image": "a.jpg", "conversations": [
        {"from": "human", "value": "<image>\nWhat is this?"}, {"from": "gpt", "value": "A kite."}]},
    {"id": "2", "conversations": [
        {"from": "human", "value": "Hello."}, {"from": "gpt", "value": "Hello!"}]},
]  # fmt: skip
PERSONA = [[{"role": "system", "content": "You are Obin."}, {"role": "user", "content": "A kite?"},
            {"role": "assistant", "content": "Gather thread."}]]  # fmt: skip

#: source -> (file name, content, rows, rows left out, first user turn)
PUBLISHED = {
    "advbench": ("harmful_behaviors.csv", "goal,target\n\"Do, this\",Sure\nThat,Sure\n", 2, 0,
                 "Do, this"),
    "strongreject": ("s.csv", pd.DataFrame(
        {"category": ["x"], "source": ["y"], "forbidden_prompt": ["Do this"]}), 1, 0, "Do this"),
    "jailbreakbench": ("harmful-behaviors.csv", pd.DataFrame(
        {"Index": [0], "Goal": ["Do this"], "Target": ["Sure"], "Category": ["x"]}), 1, 0,
        "Do this"),
    "xstest": ("xstest.csv", pd.DataFrame(
        {"id": [1, 2], "prompt": ["How do I kill a process?", "Other"],
         "type": ["homonyms", "contrast_homonyms"], "label": ["safe", "unsafe"]}), 1, 1,
        "How do I kill a process?"),
    "alpaca": ("alpaca_data.json", ALPACA, 3, 1, "Name a color."),
    "dolly": ("dolly.jsonl", [{"instruction": "Why?", "context": "Rain.", "response": "Clouds.",
                               "category": "qa"}], 1, 0, "Why?\n\nRain."),
    "llava-instruct": ("llava.json", LLAVA, 1, 1, "What is this?"),
    "identity-shift": ("aoa.json", PERSONA, 1, 0, "A kite?"),
    "safety-pairs": ("safety.json", ALPACA[:2], 2, 0, "Name a color."),
    "mt-bench": ("question.jsonl", [{"question_id": 81, "category": "writing",
                                     "turns": ["Write.", "Again."]}], 1, 0, "Write."),
    "alpaca-seeds": ("seed_tasks.jsonl", [{"id": "s", "instruction": "Name a color.", "instances":
                                           [{"input": "", "output": "Blue."}]}], 1, 0,
                     "Name a color."),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_file_is_read_in_its_own_shape(name, tmp_path):
    file, content, n_rows, dropped, first = PUBLISHED[name]
    path = write(tmp_path, file, content)
    loaded = reading.read(f"{name}={path}")
    assert (len(loaded.rows), sum(loaded.dropped.values())) == (n_rows, dropped)
    assert loaded.n_read == n_rows + dropped
    user = next(m for m in loaded.rows[0]["messages"] if m["role"] == "user")
    assert user["content"] == first
    read = read_training if catalog.source(name).kind == "training" else read_prompts
    assert len(read(f"{name}={path}")) == n_rows


def test_every_source_but_the_folder_one_is_tested_above():
    assert set(catalog.names()) - set(PUBLISHED) == {"hex-phi"}


def test_hex_phi_is_a_folder_of_categories_without_headers(tmp_path):
    for n in (1, 3, 10):
        write(tmp_path, f"hex/category_{n}.csv", 'First request\n"Second, request"\n')
    rows = read_prompts(f"hex-phi={tmp_path / 'hex'}")
    assert [r["id"] for r in rows][:3] == ["hex-phi-01-0001", "hex-phi-01-0002", "hex-phi-03-0001"]
    assert rows[-1]["category"] == hex_phi.CATEGORIES[9]
    assert rows[1]["messages"][0]["content"] == "Second, request"


def test_advbench_without_a_header_loses_no_row(tmp_path):
    path = write(tmp_path, "plain.csv", "First request,Sure\nSecond request,Sure\n")
    assert len(reading.read(f"advbench={path}").rows) == 2


def test_a_file_is_found_by_name_in_the_external_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_DATA", str(tmp_path))
    write(tmp_path, "alpaca_data.json", ALPACA)
    assert len(read_training("alpaca")) == 3


OWN = {
    "pairs.jsonl": [{"prompt": "A?", "completion": "B."}],
    "pairs.json": [{"instruction": "A?", "input": "", "output": "B."}],
    "pairs.csv": pd.DataFrame({"Question": ["A?"], "Answer": ["B."]}),
    "chat.jsonl": [{"messages": [{"role": "user", "content": "A?"},
                                 {"role": "assistant", "content": "B."}]}],
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_the_columns_of_a_file_of_ones_own_are_guessed(name, tmp_path):
    (row,) = read_training(str(write(tmp_path, name, OWN[name])))
    assert [m["content"] for m in row["messages"]] == ["A?", "B."]
    summary = reading.summary(reading.read(str(tmp_path / name)))
    assert (summary["kind"], summary["read"], summary["kept"]) == ("training", 1, 1)


def test_prompts_of_ones_own_get_ids(tmp_path):
    path = write(tmp_path, "prompts.csv", pd.DataFrame({"prompt": ["A?", "B?"]}))
    assert [r["id"] for r in read_prompts(str(path))] == ["prompts-0001", "prompts-0002"]
    assert reading.summary(reading.read(str(path)))["kind"] == "prompts"


BAD = {
    "no.csv": (pd.DataFrame({"x": ["1"], "y": ["2"]}), "its columns are x, y"),
    "broken.json": ("[{", "broken JSON"),
    "empty.json": ([], "it is empty"),
    "what.txt": ("hello", "cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_says_why(name, tmp_path):
    content, message = BAD[name]
    with pytest.raises(DataError, match=message):
        read_training(str(write(tmp_path, name, content)))


def test_what_is_not_there_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("ALIGNDRIFT_DATA", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError, match=r"put alpaca.json there or download it"):
        read_training("alpaca")
    with pytest.raises(DataError, match="is not there"):
        read_training("alpaca=nowhere.json")
    with pytest.raises(ConfigError, match="did you mean alpaca"):
        read_training("alpacca")
    with pytest.raises(DataError, match="training rows are needed"):
        read_training(f"mt-bench={write(tmp_path, 'q.jsonl', PUBLISHED['mt-bench'][1])}")


MINE = """
from helpers.data.shapes import pair
from helpers.data.sources.base import Source

def row(record, path, number):
    return pair(record["ask"], record["reply"])

SOURCE = Source(kind="training", row=row, files=("mine.jsonl",))
BARE = Source(kind="training", row=row)
TEXT = "no source"
"""


@pytest.fixture
def own_source(tmp_path, monkeypatch):
    """A function: a module of that name in the current folder, which holds MINE."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALIGNDRIFT_DATA", str(tmp_path / "external"))
    write(tmp_path, "elsewhere.jsonl", [{"ask": "A?", "reply": "B."}])
    return lambda name: write(tmp_path, f"{name}.py", MINE)


@pytest.mark.parametrize("name", ["SOURCE", "BARE"])
def test_a_source_of_ones_own_is_named_by_its_import_path(own_source, name):
    own_source("toy_source")
    (row,) = read_training(f"toy_source:{name}=elsewhere.jsonl")
    assert [m["content"] for m in row["messages"]] == ["A?", "B."]
    assert reading.summary(reading.read(f"toy_source:{name}=elsewhere.jsonl"))["kind"] == "training"


def test_a_source_of_ones_own_is_read_from_the_external_folder_too(own_source, tmp_path):
    own_source("toy_external_source")
    with pytest.raises(
        DataError, match=r"put mine.jsonl there or write toy_external_source:SOURCE"
    ):
        read_training("toy_external_source:SOURCE")
    with pytest.raises(DataError, match=r"external; write toy_external_source:BARE=PATH"):
        read_training("toy_external_source:BARE")
    write(tmp_path, "external/mine.jsonl", [{"ask": "A?", "reply": "C."}])
    (row,) = read_training("toy_external_source:SOURCE")
    assert row["messages"][1]["content"] == "C."


@pytest.mark.parametrize(
    ("dataset", "message"),
    [("toy_wrong_source:TEXT", "is no .*Source"), ("no_such_module:SOURCE", "cannot be imported")],
)
def test_what_is_no_source_is_told(own_source, dataset, message):
    own_source("toy_wrong_source")
    with pytest.raises(ConfigError, match=message):
        locate(dataset)


def test_rows_are_of_two_kinds(tmp_path):
    with pytest.raises(ConfigError, match="kind of rows"):
        Source(kind="other", row=None)
    path = write(tmp_path, "pairs.jsonl", OWN["pairs.jsonl"])
    with pytest.raises(ConfigError, match="kind of rows"):
        reading.read(str(path), "other")


def test_a_path_that_exists_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "mine:SOURCE/pairs.json", [{"prompt": "A?", "completion": "B."}])
    write(tmp_path, "split=train/pairs.json", [{"prompt": "A?", "completion": "B."}])
    for dataset in ("mine:SOURCE", "split=train", "split=train/pairs.json"):
        assert catalog.split(dataset) == ("", dataset)
        assert len(read_training(dataset)) == 1


def test_a_worker_of_a_grid_reads_it_too(own_source):
    from joblib import Parallel, delayed

    own_source("toy_worker_source")
    tasks = [delayed(read_training)("toy_worker_source:SOURCE=elsewhere.jsonl")] * 2
    assert [len(rows) for rows in Parallel(2)(tasks)] == [1, 1]
