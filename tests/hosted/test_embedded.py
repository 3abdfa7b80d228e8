"""Starting the embedded provider: one a process, which ends with it."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from helpers.hosted import embedded

pytestmark = pytest.mark.long


def test_processes_side_by_side_have_a_provider_each_that_ends_with_them(outputs):
    code = "from helpers.hosted import embedded; print(embedded.start()[0], flush=True); input()"
    several = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]  # fmt: skip
    urls = [process.stdout.readline().strip() for process in several]
    assert len({*urls}) == 2
    assert sorted(f.name for f in outputs.iterdir()) == ["provider", "provider-2"]
    for process in several:
        process.kill()  # leaves it no time to say goodbye
    for url in urls:
        for _ in range(100):
            try:
                httpx.get(url)
            except httpx.TransportError:
                break
            time.sleep(0.1)
        else:
            pytest.fail("the provider outlived its process")


def test_threads_share_the_provider_of_their_process(outputs):
    launcher = embedded.Launcher()
    with ThreadPoolExecutor(3) as pool:
        assert len({found[0] for found in pool.map(lambda _: launcher.start(), range(3))}) == 1


def test_why_a_provider_did_not_start_is_told_by_its_type(served, provider_folder, tmp_path):
    with pytest.raises(embedded.FolderInUse, match=r"another provider serves .*stop it"):
        embedded.Launcher().start(provider_folder)
    (tmp_path / "records.sqlite").mkdir()
    with pytest.raises(embedded.ProviderError, match=r"did not start: .*cannot be used") as error:
        embedded.Launcher().start(tmp_path)
    assert error.type is embedded.ProviderError
