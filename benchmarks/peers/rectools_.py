"""RecTools' SASRec, as peers.py asks for it; run by peers.py in RecTools' environment."""

import warnings

import numpy as np
import pandas as pd
from pytorch_lightning import Callback, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from rectools.models.nn.item_net import IdEmbeddingsItemNet
from work import Stopwatch, Work, answer


class Timing(Callback):
    """Stops the time of every training epoch."""

    def __init__(self, watch: Stopwatch) -> None:
        self.watch = watch

    def on_train_epoch_start(self, *_: object) -> None:
        """Begin an epoch."""
        self.watch.start()

    def on_train_epoch_end(self, *_: object) -> None:
        """End an epoch."""
        self.watch.stop()


def dataset(work: Work, part: list[np.ndarray]) -> Dataset:
    """Return a part as RecTools holds it."""
    users, items, times = work.log(part)
    columns = {Columns.User: users, Columns.Item: items, Columns.Weight: 1.0}
    return Dataset.construct(pd.DataFrame({**columns, Columns.Datetime: pd.to_datetime(times, unit="s")}))


def trainer(watch: Stopwatch, epochs: int) -> Trainer:
    """Return RecTools' own default trainer, with a stopwatch."""
    return Trainer(
        max_epochs=epochs,
        min_epochs=epochs,
        accelerator="cpu",
        devices=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        logger=False,
        callbacks=[Timing(watch)],
    )


def lists_of(recommended: pd.DataFrame, users: int, k: int) -> np.ndarray:
    """Return items by user and rank."""
    lists = np.zeros((users, k), dtype=np.int64)
    lists[recommended[Columns.User], recommended[Columns.Rank] - 1] = recommended[Columns.Item]
    return lists


def main() -> None:
    """Train, then list."""
    warnings.filterwarnings("ignore")
    work = Work.given()
    settings = work.settings
    seed_everything(settings["seed"], verbose=False)
    model = SASRecModel(
        n_blocks=settings["blocks"],
        n_heads=settings["heads"],
        n_factors=settings["dim"],
        dropout_rate=settings["dropout"],
        session_max_len=settings["max_length"],
        batch_size=settings["batch_size"],
        lr=settings["learning_rate"],
        loss="softmax",
        item_net_block_types=(IdEmbeddingsItemNet,),
        get_trainer_func=trainer,
        get_trainer_func_kwargs={"watch": Stopwatch(), "epochs": settings["epochs"]},
    )
    model.fit(dataset(work, work.train))
    users = np.arange(len(work.test))
    found = model.recommend(users, dataset(work, work.test), settings["k"], filter_viewed=True)
    # fitting copied the trainer, its stopwatch too
    answer(work, model.fit_trainer.callbacks[0].watch, lists_of(found, len(users), settings["k"]))


if __name__ == "__main__":
    main()
