"""Reading a trained model, and the vectors of items that came after its training."""

from genair.io.checkpoints import ModelFile, read_model
from genair.io.embeddings import read_table
from genair.models.cold import extend_catalogue
from genair_cli.console import console
from genair_cli.streams import container_in


def read_trained(model: str | None, vectors: str | None, command: str) -> ModelFile:
    """Read a model, and make it know the items that only the vectors' file has.

    Args:
        model: a file, or None or `-` for stdin.
        vectors: a file with vectors of all the model's items and more; None leaves the model as it is.
        command: what notes begin with, e.g. `genair eval`.

    Raises:
        InputError: a file is damaged or of another kind, or see `extend_catalogue`.
    """
    with container_in(model) as (path, model_name):
        trained = read_model(path, model_name)
    if vectors is None:
        return trained
    with container_in(vectors) as (path, name):
        known = len(trained.item_ids)
        extended = extend_catalogue(trained, read_table(path, name), model_name=model_name, name=name)
    console.note(f"{command}: {len(extended.item_ids) - known} items of {name} are new to the model")
    return extended
