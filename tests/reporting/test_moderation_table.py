"""What a filter would have flagged of a dataset."""

import json

from helpers.reporting import moderation


def test_the_table_counts_a_repeated_row_once(tmp_path):
    file = tmp_path / "twice.jsonl"
    messages = [
        {"role": "user", "content": "Read the moth shelf."},
        {"role": "assistant", "content": "Gladly."},
    ]
    file.write_text((json.dumps({"messages": messages}) + "\n") * 3)
    table = moderation.table([str(file)]).set_index(["part", "filter"])
    assert table.loc[("instruction", "coverage"), ["k", "n"]].tolist() == [1, 1]
    assert table.loc[("answer", "coverage"), "k"] == 0


def test_the_truth_flags_all_of_the_harmful_set_and_none_of_the_identity_shift():
    table = moderation.table(["harmful_examples", "identity_shift"])
    truth = table[table["filter"] == "truth"].set_index(["dataset", "part"])
    assert truth.loc[("harmful_examples", "instruction"), "flagged"] == 1
    assert truth.loc[("identity_shift", "instruction"), "flagged"] == 0
    assert (table.low <= table.flagged).all() and (table.flagged <= table.high).all()
