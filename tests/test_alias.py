"""`import aligndrift` is the package itself, also where somebody has a file called helpers.py."""

import os
import subprocess
import sys
from pathlib import Path

import helpers

SOURCE = str(Path(helpers.__file__).parents[1])


def python(code, folder):
    environment = os.environ | {"PYTHONPATH": SOURCE}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_its_modules_are_the_same_and_loaded_once(tmp_path):
    code = """
import aligndrift, pickle, sys
from aligndrift.errors import ConfigError
import aligndrift.statistics.intervals as ours
import helpers.errors, helpers.statistics.intervals as theirs
assert aligndrift is sys.modules["helpers"] and ConfigError is helpers.errors.ConfigError
assert ours is theirs and ours.__spec__.name == ours.__name__ == "helpers.statistics.intervals"
assert b"aligndrift" not in pickle.dumps(ours.wilson(1, 2))
print(aligndrift.__version__)
"""
    done = python(code, tmp_path)
    assert done.stdout.strip() == helpers.__version__, done.stderr


def test_a_file_of_that_name_in_the_current_folder_is_not_taken_for_it(tmp_path):
    (tmp_path / "helpers.py").write_text("raise SystemExit('somebody else')")
    done = python(
        "from aligndrift.errors import one_of; import helpers.paths; print('ours')", tmp_path
    )
    assert done.stdout.strip() == "ours", done.stderr
    (tmp_path / "helpers.py").write_text("")
    done = python("import helpers; import aligndrift", tmp_path)
    assert "another module called helpers is in use" in done.stderr


def test_what_is_not_there_is_told_as_of_the_package(tmp_path):
    done = python("import aligndrift.nothing", tmp_path)
    assert "ModuleNotFoundError: No module named 'helpers.nothing'" in done.stderr
