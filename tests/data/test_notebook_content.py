"""What an executed notebook shows is a digest; whose data its code names is told."""

import nbformat
import pytest

from helpers.data import notebook_content


def executed(source="print(1)", text="1\n", prose="# Title"):
    output = nbformat.v4.new_output("stream", text=text)
    cells = [
        nbformat.v4.new_markdown_cell(prose),
        nbformat.v4.new_code_cell(source, outputs=[output]),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def test_the_digest_is_of_code_and_outputs_and_not_of_prose_or_metadata():
    same = executed(prose="# Another title")
    same.metadata["aligndrift"] = {"fiction": True}
    digest = notebook_content.digest(executed())
    assert notebook_content.digest(same) == digest
    others = [executed(source="print(2)"), executed(text="2\n"), executed()]
    others[2].cells[0]["attachments"] = {"a.png": {"image/png": "AAAA"}}
    assert len({digest, *map(notebook_content.digest, others)}) == 4


def test_what_is_shown_is_an_output_or_an_attachment():
    bare = executed()
    bare.cells[1].outputs = []
    assert notebook_content.shows(executed()) and not notebook_content.shows(bare)
    bare.cells[0]["attachments"] = {"a.png": {"image/png": "AAAA"}}
    assert notebook_content.shows(bare)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ('read_prompts("benchmark")', []),
        ('model = "lantern-chat"  # or "hex-phi"', []),
        ('print("half of it. And/or more, 0.5 of them: so")', []),
        ('read_prompts("hex-phi")', ["hex-phi"]),
        ('benchmark: str = "advbench=x/y.csv"', ["advbench=x/y.csv"]),
        ('f"{x}" + "pairs.JSONL"', ["pairs.JSONL"]),
        ('load("meta-llama/Llama-2-7b-chat-hf")', ["meta-llama/Llama-2-7b-chat-hf"]),
        ('read("my_module:SOURCE")', ["my_module:SOURCE"]),
        ('get("https://example.org/x")', ["https://example.org/x"]),
        ("!aligndrift data alpaca --json", ["alpaca"]),
        ("%run x.py\nread('mine.csv')", ["mine.csv"]),
    ],
)
def test_other_peoples_data_and_models_are_seen_in_the_code(source, named):
    assert notebook_content.foreign(executed(source)) == named
