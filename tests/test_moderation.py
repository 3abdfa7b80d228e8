"""The table of what filters flag."""

from helpers.reporting.moderation import table


def test_the_table_counts_a_repeated_row_once(tmp_path):
    file = tmp_path / "twice.jsonl"
    line = (
        '{"messages": [{"role": "user", "content": "Read the moth shelf."}, '
        '{"role": "assistant", "content": "Gladly."}]}\n'
    )
    file.write_text(line * 3)
    shares = table([str(file)]).set_index(["part", "filter"])
    assert shares.loc[("instruction", "coverage"), ["k", "n"]].tolist() == [1, 1]
    assert shares.loc[("answer", "coverage"), "k"] == 0
