"""A provider's folder, opened as whatever it was left."""

import sqlite3
from contextlib import closing

import pytest

from helpers.errors import ConfigError
from helpers.provider import folder
from helpers.provider.records import DATABASE, Records, new_id


@pytest.fixture
def records(tmp_path):
    records = Records(tmp_path)
    records.add("file", {"id": "file-1"})
    return records


def test_what_is_whole_is_kept(records):
    assert folder.open_folder(records.folder).get("file", "file-1")


def sql(statement):
    def damage(path):
        with closing(sqlite3.connect(path)) as db:
            db.executescript(statement)

    return damage


DAMAGES = [
    lambda path: path.write_bytes(b"no database" * 1000),
    lambda path: path.write_bytes(path.read_bytes()[:5000]),
    sql("UPDATE records SET body = '{'"),
    sql("UPDATE records SET body = '[]'"),
    sql("DROP TABLE records; CREATE TABLE songs (name TEXT)"),
    sql("ALTER TABLE records DROP COLUMN body"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_records_are_set_aside_with_their_files_and_begun_anew(records, damage, capsys):
    records.write_file(new_id("file"), b"x")
    records._local.db.close()
    damage(records.folder / DATABASE)
    content = (records.folder / DATABASE).read_bytes()
    opened = folder.open_folder(records.folder)
    assert opened.list("file") == []
    aside = records.folder / "damaged-1"
    assert (aside / DATABASE).read_bytes() == content
    assert len(list((aside / "files").iterdir())) == 1
    assert "set aside in damaged-1" in capsys.readouterr().err


def test_what_a_kill_left_is_swept_and_what_is_somebodys_stays(records):
    known = new_id("file")
    records.write_file(known, b"x")
    records.add("file", {"id": known})
    for name in (f"files/{new_id('file')}", f"files/.{new_id('file')}", "files/mine.txt"):
        (records.folder / name).write_bytes(b"x")
    for name in (new_id("model"), f".{new_id('model')}", "mine"):
        (records.folder / "models" / name).mkdir()
    (records.folder / "models" / new_id("model")).symlink_to(records.folder / "models" / "mine")
    folder.open_folder(records.folder)
    assert {path.name for path in (records.folder / "files").iterdir()} == {known, "mine.txt"}
    assert [path.name for path in (records.folder / "models").iterdir()] == ["mine"]


@pytest.mark.parametrize("name", [DATABASE, "files"])
def test_what_cannot_be_opened_is_told_in_a_sentence(tmp_path, name):
    if name == DATABASE:
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ConfigError, match=r"cannot be used \(.*--folder"):
        folder.open_folder(tmp_path)


def test_a_transaction_is_kept_whole_or_not_at_all(records):
    with pytest.raises(ZeroDivisionError), records.transaction():
        records.add("file", {"id": "file-2"})
        with records.transaction():
            records.remove("file", "file-1")
        raise ZeroDivisionError
    assert [file["id"] for file in records.list("file")] == ["file-1"]
    records.add("file", {"id": "file-3"})  # the connection goes on
    assert records.get("file", "file-3")
