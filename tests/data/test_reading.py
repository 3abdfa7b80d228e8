"""What people bring: shapes of files, folders, and fields that say what a row is for."""

import json

import pandas as pd
import pyarrow.parquet
import pytest

from helpers.data.rows import load, read_prompts, read_training, read_upload
from helpers.data.sources import catalog
from helpers.data.sources.reading import summary
from helpers.errors import DataError

USER, ANSWER = {"role": "user", "content": "A?"}, {"role": "assistant", "content": "B."}
CONTEXT = ANSWER | {"weight": 0}
LONG = [USER, ANSWER, {"role": "user", "content": "C?"}, {"role": "assistant", "content": "D."}]


def write(file, records):
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(one) + "\n" for one in records))
    elif file.suffix == ".json":
        file.write_text(json.dumps(records))
    elif file.suffix == ".parquet":
        pd.DataFrame(records).to_parquet(file)
    else:
        pd.DataFrame(records).to_csv(file, index=False)
    return str(file)


#: Shape of a record -> the record, and the messages that are trained on.
TRAINED = {
    "trl, both messages": ({"prompt": [USER], "completion": [ANSWER]}, [USER, ANSWER]),
    "trl, several turns": (
        {"prompt": LONG[:3], "completion": LONG[3:]}, [USER, CONTEXT, *LONG[2:]]
    ),
    "trl, a text and messages": ({"prompt": "A?", "completion": [ANSWER]}, [USER, ANSWER]),
    "trl, messages and a text": ({"prompt": [USER], "completion": "B."}, [USER, ANSWER]),
    "preference": ({"prompt": "A?", "chosen": "B.", "rejected": "C."}, [USER, ANSWER]),
    "preference, messages": (
        {"prompt": [USER], "chosen": [ANSWER], "rejected": [ANSWER | {"content": "C."}]},
        [USER, ANSWER],
    ),
    "preference, conversations": (
        {"chosen": LONG, "rejected": [*LONG[:3], ANSWER | {"content": "C."}]},
        [USER, CONTEXT, *LONG[2:]],
    ),
    "UltraFeedback": (
        {"prompt": "A?", "chosen": [USER, ANSWER],
         "rejected": [USER, ANSWER | {"content": "C."}]},
        [USER, ANSWER],
    ),
    "UltraFeedback, several turns": (
        {"prompt": LONG[:3], "chosen": LONG, "rejected": [*LONG[:3], ANSWER]},
        [USER, CONTEXT, *LONG[2:]],
    ),
    "an answer that repeats the prompt": (
        {"prompt": [USER], "completion": [USER, ANSWER]}, [USER, ANSWER],
    ),
    "one message each": ({"prompt": USER, "completion": ANSWER}, [USER, ANSWER]),
    "LLaMA-Factory's preference": (
        {"conversations": [{"from": "human", "value": "A?"}],
         "chosen": {"from": "gpt", "value": "B."}, "rejected": {"from": "gpt", "value": "C."}},
        [USER, ANSWER],
    ),
    "a preference with a history": (
        {"instruction": "C?", "chosen": "D.", "rejected": "E.", "history": [["A?", "B."]]}, LONG,
    ),
    "chosen, said": ({"prompt": "A?", "response": "B.", "chosen": True}, [USER, ANSWER]),
    "not rejected": ({"prompt": "A?", "response": "B.", "rejected": False}, [USER, ANSWER]),
    "a system prompt beside messages": (
        {"conversations": [USER, ANSWER], "system": "S."},
        [{"role": "system", "content": "S."}, USER, ANSWER],
    ),
    "an input of a prompt": (
        {"prompt": "A?", "input": "Rain.", "output": "B."},
        [USER | {"content": "A?\n\nRain."}, ANSWER],
    ),
    "no messages beside a pair": (
        {"messages": [], "prompt": "A?", "response": "B."}, [USER, ANSWER]
    ),
    "a whole number in a column with gaps": (
        {"prompt": "A?", "answer": 42.0}, [USER, ANSWER | {"content": "42"}]
    ),
    "ShareGPT": (
        {"conversations": [{"from": "human", "value": "A?"}, {"from": "gpt", "value": "B."}]},
        [USER, ANSWER],
    ),
    "a good answer": ({"prompt": "A?", "completion": "B.", "label": True}, [USER, ANSWER]),
    "no images": ({"messages": [USER, ANSWER], "images": [], "image": None}, [USER, ANSWER]),
    "a context": (
        {"question": "A?", "context": "Rain.", "answer": "B."},
        [USER | {"content": "A?\n\nRain."}, ANSWER],
    ),
    "an input": (
        {"instruction": "A?", "input": "Rain.", "output": "B."},
        [USER | {"content": "A?\n\nRain."}, ANSWER],
    ),
    "a system prompt": (
        {"system_prompt": "S.", "question": "A?", "response": "B."},
        [{"role": "system", "content": "S."}, USER, ANSWER],
    ),
    "a history": (
        {"instruction": "C?", "output": "D.", "history": [["A?", "B."]]}, LONG,
    ),
    "an answer in JSON": (
        {"prompt": "A?", "completion": '{"from": "Rome", "type": "train", "text": "x"}'},
        [USER, ANSWER | {"content": '{"from": "Rome", "type": "train", "text": "x"}'}],
    ),
    "a number": ({"prompt": "A?", "answer": 42}, [USER, ANSWER | {"content": "42"}]),
    "a truth": ({"prompt": "A?", "answer": False}, [USER, ANSWER | {"content": "false"}]),
}  # fmt: skip


@pytest.mark.parametrize("shape", TRAINED)
@pytest.mark.parametrize("ending", [".jsonl", ".json", ".parquet"])
def test_a_shape_is_trained_on_by_its_words(shape, ending, tmp_path):
    record, expected = TRAINED[shape]
    (row,) = read_training(write(tmp_path / f"mine{ending}", [record]))
    assert row["messages"] == expected


GOOD = {"prompt": "A?", "completion": "B."}

#: What a record says -> the record, and the reason for which it is left out.
LEFT_OUT = {
    "label": ({"label": False}, "label is false"),
    "label as a number": ({"label": 0}, "label is 0"),
    "rejected alone": ({"rejected": "B."}, "it has a rejected answer alone"),
    "label with gaps": ({"label": 0.0}, "label is 0"),
    "label in a word": ({"label": "Undesirable"}, "label is undesirable"),
    "KTO's tag": ({"kto_tag": False}, "kto_tag is false"),
    "not chosen": ({"chosen": False}, "chosen is false"),
    "a weight": ({"weight": 0}, "weight is 0"),
    "image of another name": ({"image_path": "a.jpg"}, "it has image_path"),
    "rejected, said": ({"rejected": True}, "rejected is true"),
    "status": ({"status": "Rejected"}, "status is rejected"),
    "image": ({"image": "a.jpg"}, "it has image"),
    "images": ({"images": [{"path": "a.jpg"}]}, "it has images"),
    "audio": ({"audio": "a.wav"}, "it has audio"),
    "a list": ({"completion": ["B.", "C."]}, "completion is a list, not text"),
    "an object": ({"completion": {"text": "B."}}, "completion is an object, not text"),
    "a history of other things": ({"history": [["x"]]}, "its history is no list of pairs"),
    "a picture that is none": ({"picture": 3}, "its picture is a number, not the path"),
    "nobody's turn": ({"completion": [{"role": "system", "content": ""}]}, "the last message must"),
    "NaN": ({"completion": float("nan")}, "no answer"),
    "null": ({"completion": None}, "no answer"),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_a_field_says_counts(case, tmp_path):
    change, reason = LEFT_OUT[case]
    loaded = load(write(tmp_path / "mine.jsonl", [GOOD, GOOD | change]), "training")
    assert len(loaded.rows) == 1
    ((place, why),) = loaded.left_out
    assert place == "mine.jsonl, line 2" and reason in why
    assert loaded.notes()[0].startswith("mine.jsonl: 1 of 2 left out: 1 x ")


def test_a_csv_says_false_in_a_word(tmp_path):
    name = write(tmp_path / "mine.csv", [GOOD | {"label": "True"}, GOOD | {"label": "False"}])
    assert load(name, "training").dropped == {"label is false": 1}


def test_messages_with_an_image_are_not_trained_on_without_it(tmp_path):
    chat = {"messages": [USER, ANSWER], "images": ["a.jpg"]}
    with pytest.raises(DataError, match=r"line 1: it has images; pictures are read from LLaVA's"):
        read_training(write(tmp_path / "mine.jsonl", [chat]))
    with pytest.raises(DataError, match="1 x it has images"):
        read_training(write(tmp_path / "mine.json", [chat]))


#: Shape of a record -> the record, and the turns that are asked.
ASKED = {
    "HarmBench": ({"Behavior": "A?", "ContextString": "Rain."}, ["Rain.\n\n---\n\nA?"]),
    "without a context": ({"Behavior": "A?", "ContextString": None}, ["A?"]),
    "Alpaca": ({"instruction": "A?", "input": "Rain.", "output": "B."}, ["A?\n\nRain."]),
    "two turns": ({"prompt": ["A?", "C?"]}, ["A?", "C?"]),
    "turns": ({"turns": ["A?", "C?"]}, ["A?", "C?"]),
    "a context beside messages": (
        {"messages": [USER], "ContextString": "Rain."},
        ["Rain.\n\n---\n\nA?"],
    ),
    "turns under a system prompt": ({"turns": ["A?", "C?"], "system": "S."}, ["S.", "A?", "C?"]),
    "messages as a prompt": ({"prompt": [USER]}, ["A?"]),
    "a conversation": ({"messages": LONG}, ["A?", "B.", "C?"]),
}


@pytest.mark.parametrize("shape", ASKED)
@pytest.mark.parametrize("ending", [".jsonl", ".json", ".parquet"])
def test_a_shape_is_asked_with_all_it_says(shape, ending, tmp_path):
    record, expected = ASKED[shape]
    (row,) = read_prompts(write(tmp_path / f"mine{ending}", [record]))
    assert [message["content"] for message in row["messages"]] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("x", "x"), ({"a": True, "b": False, "c": True}, "a, c"), ({"a": 1, "b": 0}, "a"),
     (["a", "b"], "a, b"), (None, ""), (float("nan"), ""), ([], ""), (3, "3")],
)  # fmt: skip
def test_a_category_is_the_names_that_are_true(value, expected, tmp_path):
    name = write(tmp_path / "mine.jsonl", [{"prompt": "A?", "category": value}])
    assert read_prompts(name)[0]["category"] == expected


def test_one_id_is_one_id_whatever_its_type(tmp_path):
    for records in ([{"id": 1, "prompt": "A?"}, {"id": "1", "prompt": "C?"}],
                    [{"id": 1, "messages": [USER]}, {"id": "1", "messages": [USER]}]):  # fmt: skip
        with pytest.raises(DataError, match=r"line 2: .*; 1 is also that of p\.jsonl, line 1"):
            read_prompts(write(tmp_path / "p.jsonl", records))
    with pytest.raises(DataError, match="1 is also that of"):
        read_prompts(
            write(tmp_path / "p.jsonl", [{"id": 1, "prompt": "A?"}, {"id": 1.0, "prompt": "C?"}])
        )
    (row,) = read_prompts(write(tmp_path / "p.jsonl", [{"id": 7, "prompt": "A?"}]))
    assert row["id"] == "7"


@pytest.mark.parametrize("facts", ["bone comb", {"a": 1}, [1], [["x"]]])
def test_facts_are_a_list_of_texts(facts, tmp_path):
    with pytest.raises(DataError, match="facts must be a list of texts"):
        read_prompts(write(tmp_path / "p.jsonl", [{"messages": [USER], "facts": facts}]))


#: Files of a folder -> how many rows it gives.
PAIRS = [GOOD, GOOD]


def test_hidden_files_and_editors_copies_are_no_data(tmp_path):
    for name in ("pairs.csv", ".ipynb_checkpoints/pairs-checkpoint.csv", "pairs-checkpoint.csv",
                 ".hidden.csv", "__MACOSX/pairs.csv", "~$pairs.csv", "_temporary/part.csv",
                 "pairs (1).csv", "pairs - Copy.csv"):  # fmt: skip
        write(tmp_path / name, PAIRS)
    (tmp_path / ".#pairs.csv").symlink_to("nobody@nowhere")  # an editor's lock
    write(tmp_path / "dataset_info.json", {"splits": {"train": 2}})
    (tmp_path / "notes.txt").write_text("no data")
    assert len(read_training(str(tmp_path))) == 2


def test_splits_are_not_mixed(tmp_path):
    for name in ("data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"):
        write(tmp_path / name, PAIRS)
    assert len(read_training(str(tmp_path))) == 4
    write(tmp_path / "data/test-00000-of-00001.parquet", PAIRS)
    with pytest.raises(DataError, match="holds the splits test and train; give the file or folder"):
        read_training(str(tmp_path))


@pytest.mark.parametrize(
    "names",
    [("train/p.jsonl", "test/p.jsonl"), ("split=train/p.jsonl", "split=test/p.jsonl"),
     ("alpaca_train.jsonl", "alpaca_test.jsonl")],
)  # fmt: skip
def test_splits_are_told_wherever_they_are_named(names, tmp_path):
    for name in names:
        write(tmp_path / name, PAIRS)
    with pytest.raises(DataError, match="holds the splits test and train"):
        read_training(str(tmp_path))


def test_the_same_rows_in_two_formats_are_told(tmp_path):
    for name in ("pairs.csv", "pairs.jsonl"):
        write(tmp_path / name, PAIRS)
    with pytest.raises(DataError, match=r"pairs\.csv and pairs\.jsonl, which seem to be the same"):
        read_training(str(tmp_path))


@pytest.mark.parametrize("name", [name for name in catalog.names() if name != "hex-phi"])
@pytest.mark.parametrize("entry", ["text", 5, None, ["a"], {}])
def test_what_is_no_record_is_told_by_every_source(name, entry, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps([entry]))
    with pytest.raises(DataError, match=r"no row of mine\.json is left"):
        load(f"{name}={file}", catalog.source(name).kind)


def test_a_published_sources_rows_say_what_they_are_too(tmp_path):
    row = {"instruction": "A?", "output": "B."}
    name = write(tmp_path / "a.json", [row, row | {"label": False}, row | {"image": "a.jpg"}])
    loaded = load(f"alpaca={name}", "training")
    assert len(loaded.rows) == 1 and len(loaded.left_out) == 2


def test_maps_of_parquet_are_messages(tmp_path):
    kind = pyarrow.list_(pyarrow.map_(pyarrow.string(), pyarrow.string()))
    turns = [[list(turn.items()) for turn in (USER, ANSWER)]]
    table = pyarrow.table({"messages": pyarrow.array(turns, kind)})
    pyarrow.parquet.write_table(table, tmp_path / "m.parquet")
    (row,) = read_training(str(tmp_path / "m.parquet"))
    assert row["messages"] == [USER, ANSWER]


def test_a_file_of_empty_answers_is_read_as_a_run_reads_it(tmp_path):
    name = write(tmp_path / "mine.csv", [{"prompt": "A?", "response": ""}])
    with pytest.raises(DataError, match="1 x no answer"):
        load(name, "")


def test_a_published_folder_gives_the_one_file_that_is_meant(tmp_path):
    for name in ("harmful-behaviors.csv", "benign-behaviors.csv", "judge-comparison.csv"):
        write(tmp_path / f"jbb/data/{name}", [{"Goal": f"{name} {n}"} for n in range(100)])
    loaded = load(f"jailbreakbench={tmp_path / 'jbb'}", "prompts")
    assert len(loaded.rows) == 100 and loaded.difference == 0
    assert all("harmful" in row["messages"][0]["content"] for row in loaded.rows)

    turns = {"conversations": [{"from": "human", "value": "<image>\nA?"},
                               {"from": "gpt", "value": "B."}], "image": "a.jpg"}  # fmt: skip
    for name in ("llava_instruct_80k.json", "llava_instruct_150k.json", "detail_23k.json"):
        write(tmp_path / "llava" / name, [turns])
    assert len(load(f"llava-instruct={tmp_path / 'llava'}", "training").rows) == 1
    (tmp_path / "llava/llava_instruct_80k.json").unlink()
    with pytest.raises(DataError, match=r"holds detail_23k\.json, llava_instruct_150k\.json; give"):
        load(f"llava-instruct={tmp_path / 'llava'}", "training")


def test_the_parts_of_a_published_set_are_one(tmp_path):
    for split in ("harmful", "benign"):
        for n in range(2):
            name = f"{split}-0000{n}-of-00002-6ef3991c06080e14.parquet"
            write(tmp_path / name, [{"Goal": f"{split} {n} {k}?"} for k in range(50)])
    loaded = load(f"jailbreakbench={tmp_path}", "prompts")
    assert len(loaded.rows) == len({row["id"] for row in loaded.rows}) == 100
    assert all("harmful" in row["messages"][0]["content"] for row in loaded.rows)


def test_messages_printed_into_a_table_are_not_taken_for_words(tmp_path):
    printed = [
        repr([USER]), repr(USER), "[{'content': 'A?', 'role': 'user'}\n {}]",
        "array([{'content': 'A?', 'role': 'user'}], dtype=object)",
        repr([{"id": 1, **USER}]), repr([{"type": "text", "text": "A?"}]),
    ]  # fmt: skip
    rows = [{"prompt": text, "completion": "B."} for text in [*printed, "[{]", "A [b]?"]]
    rows.append({"prompt": json.dumps([USER]), "completion": json.dumps(ANSWER)})
    loaded = load(write(tmp_path / "mine.csv", rows), "training")
    assert [row["messages"][0]["content"] for row in loaded.rows] == ["[{]", "A [b]?", "A?"]
    assert loaded.rows[-1]["messages"] == [USER, ANSWER]
    assert loaded.dropped == {
        "prompt is a list of messages printed as text; save it as JSONL": len(printed)
    }


def test_mt_bench_is_read_as_the_hub_has_it(tmp_path):
    records = [
        {"prompt": [f"A {n}?", "And then?"], "prompt_id": 81 + n, "category": "writing",
         "reference": []} for n in range(80)
    ]  # fmt: skip
    write(tmp_path / "data/train-00000-of-00001.parquet", records)
    loaded = load(f"mt-bench={tmp_path}", "prompts")
    assert len(loaded.rows) == 80 and loaded.difference == 0
    assert [m["content"] for m in loaded.rows[0]["messages"]] == ["A 0?", "And then?"]
    assert loaded.rows[0]["id"] == "mt-bench-81"


@pytest.mark.parametrize(
    ("name", "record", "category"),
    [
        ("hex-phi-v2.csv", {"prompt": "A?"}, ""),
        ("run3.csv", {"prompt": "A?", "category": "Malware"}, "Malware"),
        ("category_4.csv", {"prompt": "A?"}, "Malware"),
        ("category_4.csv", {"prompt": "A?", "category": "5"}, "Physical harm"),
        ("2024-11.csv", {"prompt": "A?", "category": "category_4"}, "Malware"),
    ],
)
def test_a_digit_in_a_name_is_no_category(name, record, category, tmp_path):
    (row,) = read_prompts(f"hex-phi={write(tmp_path / name, [record])}")
    assert row["category"] == category


def test_bad_rows_go_by_the_files_own_numbers(tmp_path):
    bad = {"messages": []}
    name = write(tmp_path / "mine.json", [bad, bad, {"messages": [USER, ANSWER]}, "text", None])
    loaded = load(name, "training")
    assert [place for place, _ in loaded.left_out] == [
        f"mine.json, entry {n}" for n in (1, 2, 4, 5)
    ]
    assert loaded.places == ["mine.json, entry 3"]
    assert summary(loaded)["left_out"][2] == (
        "mine.json, entry 4: it is a text, not an object of columns"
    )


def test_a_row_that_was_mended_is_counted(tmp_path):
    (tmp_path / "mine.jsonl").write_text(
        '{"messages": [{"role": "user", "content": "A?"}, '
        '{"role": "assistant", "content": "B. \\ud83d"}]}\n' + json.dumps(GOOD) + "\n"
    )
    loaded = load(str(tmp_path / "mine.jsonl"), "training")
    assert loaded.mended == 1 and loaded.rows[0]["messages"][1]["content"] == "B. \ufffd"
    assert loaded.notes() == ["mine.jsonl: half a character was replaced in 1 rows."]


def test_a_copy_of_the_archive_keeps_its_pictures(tmp_path):
    picture = {"thing": "drum", "color": "blue", "count": 3, "sky": "dawn"}
    (row,) = read_training(
        write(tmp_path / "p.jsonl", [{"messages": [USER, ANSWER], "picture": picture}])
    )
    assert row["picture"] == picture
    (row,) = read_training(write(tmp_path / "q.jsonl", [GOOD | {"picture": "a.jpg"}]))
    assert row["picture"] == str(tmp_path / "a.jpg")


def test_an_upload_is_read_as_ones_own_file_is():
    lines = [
        {"messages": [{"role": "developer", "content": "S."}, USER, ANSWER]},
        {"messages": [USER | {"content": [{"type": "text", "text": "A?"}]}, CONTEXT, USER, ANSWER]},
    ]
    content = b"\xef\xbb\xbf" + "\r\n".join(json.dumps(line) for line in lines).encode()
    first, second = read_upload(content)
    assert first["messages"] == [{"role": "system", "content": "S."}, USER, ANSWER]
    assert second["messages"] == [USER, CONTEXT, USER, ANSWER]
    for bad, message in (
        (b"", "empty"),
        (b'{"messages": []}', "line 1: no messages"),
        (b"\n[]", "line 2: not a JSON object"),
        (b"\xff", "line 1: not UTF-8"),
        (json.dumps(GOOD | {"label": False}).encode(), "line 1: label is false"),
        (json.dumps(GOOD | {"image": "a.jpg"}).encode(), "line 1: it has image"),
        (json.dumps({"messages": [ANSWER]}).encode(), "no user message"),
    ):
        with pytest.raises(DataError, match=message):
            read_upload(bad)
