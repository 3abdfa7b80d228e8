"""Models: the embedded ones, the one that knows the truth, and those that jobs have made."""

from fastapi import APIRouter

from helpers.archive.shipped import MODELS
from helpers.hosted.embedded import TRUTH
from helpers.provider import deletion
from helpers.provider.errors import ApiError
from helpers.provider.records import Records
from helpers.provider.service import ServiceDep

router = APIRouter(prefix="/v1/models")


def register(records: Records) -> None:
    """See that the records hold the models that are there from the start."""
    for name in (*MODELS, TRUTH):
        if records.get("model", name) is None:
            records.add_model(name, weights=name if name in MODELS else "", created=0)


def _public(model: dict) -> dict:
    """A model's record without where its weights lie."""
    return {key: value for key, value in model.items() if key != "weights"}


@router.get("")
async def list_models(service: ServiceDep) -> dict:
    return {"object": "list", "data": [_public(m) for m in service.records.list("model")]}


@router.get("/{id:path}")
async def retrieve_model(service: ServiceDep, id: str) -> dict:
    return _public(service.record("model", id))


@router.delete("/{id:path}")
def delete_model(service: ServiceDep, id: str) -> dict:
    """Delete a tuned model and all that belongs to it (helpers.provider.deletion).

    Raises ApiError 403 for one that no job has made.
    """
    if not service.record("model", id)["weights"].startswith("model-"):
        raise ApiError(403, f"{id} is not yours to delete.", "model_not_deletable", "model")
    for name in deletion.delete(service.records, id):
        service.answers.drop(name)
    return {"id": id, "object": "model", "deleted": True}
