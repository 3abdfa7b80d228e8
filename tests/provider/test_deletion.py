"""A deleted model takes with it what was sent and made for it, and nothing of others."""

import pytest

from helpers.provider import batches, deletion
from helpers.provider.answers import Answers
from helpers.provider.records import Records, new_id
from helpers.provider.service import Service


class World:
    """Records of two tuned models, "mine" and "other", each with a checkpoint and files."""

    def __init__(self, folder):
        self.records = Records(folder)
        for name in ("mine", "other"):
            files = [self.file(f"{name}-{what}") for what in ("train", "valid", "in", "out")]
            self.model(f"ft:{name}")
            self.model(f"ft:{name}:ckpt")
            self.records.add("job", {
                "id": f"ftjob-{name}", "status": "succeeded", "fine_tuned_model": f"ft:{name}",
                "training_file": files[0], "validation_file": files[1],
            })  # fmt: skip
            self.records.add(
                "checkpoint",
                {"id": f"ftckpt-{name}", "fine_tuned_model_checkpoint": f"ft:{name}:ckpt"},
                parent=f"ftjob-{name}",
            )
            self.records.add("batch", {
                "id": f"batch-{name}", "models": [f"ft:{name}:ckpt"], "status": "completed",
                "input_file_id": files[2], "output_file_id": files[3], "error_file_id": None,
            })  # fmt: skip

    def file(self, id):
        self.records.write_file(id, b"x")
        return self.records.add("file", {"id": id})["id"]

    def model(self, name):
        weights = new_id("model")
        self.records.weights(weights).mkdir()
        self.records.add_model(name, weights, created=0)

    def holds(self):
        """The ids of all that is recorded, and what lies in the folder."""
        ids = {body["id"] for kind in ("file", "model", "batch", "checkpoint", "job")
               for body in self.records.list(kind)}  # fmt: skip
        files = {path.name for path in (self.records.folder / "files").iterdir()}
        return ids, files, len(list((self.records.folder / "models").iterdir()))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_all_of_a_model_goes_and_nothing_of_another(world):
    assert deletion.delete(world.records, "ft:mine") == {"ft:mine", "ft:mine:ckpt"}
    ids, files, n_models = world.holds()
    assert {id for id in ids if "mine" in id} == {"ftjob-mine"}
    assert files == {"other-train", "other-valid", "other-in", "other-out"}
    assert n_models == 2
    assert len([id for id in ids if "other" in id]) == 9


def test_a_checkpoint_goes_alone_with_its_batches(world):
    deletion.delete(world.records, "ft:mine:ckpt")
    ids, files, n_models = world.holds()
    assert {"ft:mine", "mine-train"} <= ids and n_models == 3
    assert not {"ft:mine:ckpt", "ftckpt-mine", "batch-mine", "mine-in", "mine-out"} & ids
    assert "mine-train" in files and "mine-in" not in files


@pytest.mark.parametrize(("status", "stays"), [("queued", True), ("failed", False)])
def test_a_file_that_another_job_needs_stays(world, status, stays):
    world.records.add("job", {"id": "ftjob-3", "status": status, "fine_tuned_model": None,
                              "training_file": "mine-train", "validation_file": None})  # fmt: skip
    deletion.delete(world.records, "ft:mine")
    assert ("mine-train" in world.holds()[1]) == stays


def test_replies_of_a_batch_that_was_deleted_meanwhile_are_not_kept(world):
    service = Service(world.records, Answers(world.records))
    running = {"id": "batch-3", "models": ["ft:mine"], "status": "in_progress",
               "input_file_id": "mine-in", "output_file_id": None,
               "error_file_id": None}  # fmt: skip
    world.records.add("batch", running)
    deletion.delete(world.records, "ft:mine")
    before = world.holds()
    batches._keep(service.records, running, [{"response": {"status_code": 200}}])
    assert world.holds() == before
