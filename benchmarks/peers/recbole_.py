"""RecBole's SASRec, as peers.py asks for it; run by peers.py in RecBole's environment."""

import logging
import warnings

import numpy as np
import torch
from recbole.config import Config
from recbole.data import create_dataset, create_samplers, get_dataloader
from recbole.data.dataset import SequentialDataset
from recbole.data.interaction import Interaction
from recbole.model.sequential_recommender import SASRec
from recbole.trainer import Trainer
from recbole.utils import init_seed
from work import Stopwatch, Work, answer

BLOCK = 256  # users listed together


class Timed(Trainer):
    """Stops the time of every training epoch."""

    watch = Stopwatch()

    def _train_epoch(self, *args: object, **options: object) -> float:
        self.watch.start()
        loss = super()._train_epoch(*args, **options)
        self.watch.stop()
        return loss


def configuration(work: Work) -> Config:
    """Return the settings under RecBole's names, and the training events as its file."""
    folder = work.folder / "recbole-data" / "log"
    folder.mkdir(parents=True, exist_ok=True)
    rows = np.stack(work.log(work.train), axis=1)
    header = "user_id:token\titem_id:token\ttimestamp:float"
    np.savetxt(folder / "log.inter", rows, fmt="%d", delimiter="\t", header=header, comments="")
    own, settings = {}, work.settings
    own |= {"n_layers": settings["blocks"], "n_heads": settings["heads"], "hidden_size": settings["dim"]}
    own |= {"inner_size": 4 * settings["dim"], "MAX_ITEM_LIST_LENGTH": settings["max_length"]}
    own |= {"hidden_dropout_prob": settings["dropout"], "attn_dropout_prob": settings["dropout"]}
    own |= {"train_batch_size": settings["batch_size"], "learning_rate": settings["learning_rate"]}
    own |= {"epochs": settings["epochs"], "seed": settings["seed"], "loss_type": "CE"}
    own |= {"train_neg_sample_args": None, "use_gpu": False, "state": "ERROR", "log_wandb": False}
    own |= {"data_path": str(folder.parent), "checkpoint_dir": str(work.folder / "recbole-saved")}
    own |= {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    own |= {"eval_args": {"split": {"RS": [1, 0, 0]}, "order": "TO", "group_by": None, "mode": "full"}}
    return Config(model="SASRec", dataset="log", config_dict=own)


def train(config: Config, dataset: SequentialDataset) -> SASRec:
    """Return the model after its epochs, all events of the file being training."""
    parts = dataset.build()
    sampler, _, _ = create_samplers(config, dataset, parts)
    events = get_dataloader(config, "train")(config, parts[0], sampler, shuffle=True)
    model = SASRec(config, events.dataset)
    Timed(config, model).fit(events, saved=False, verbose=False)
    return model


@torch.no_grad()
def lists_of(model: SASRec, dataset: SequentialDataset, work: Work) -> np.ndarray:
    """Return each history's best items that are not in it."""
    tokens = dataset.field2id_token["item_id"]
    names = np.asarray([0, *map(int, tokens[1:])])
    places = np.zeros(work.n_items + 1, dtype=np.int64)
    places[names] = np.arange(len(names))
    k, longest = work.settings["k"], work.settings["max_length"]
    lists = np.zeros((len(work.test), k), dtype=np.int64)
    for start in range(0, len(work.test), BLOCK):
        known = [places[history] for history in work.test[start : start + BLOCK]]
        known = [history[history > 0] for history in known]
        padded, lengths = np.zeros((len(known), longest), dtype=np.int64), np.ones(len(known), dtype=np.int64)
        for row, history in enumerate(known):
            lengths[row] = max(1, min(longest, len(history)))
            padded[row, : len(history[-longest:])] = history[-longest:]
        asked = {model.ITEM_SEQ: torch.from_numpy(padded), model.ITEM_SEQ_LEN: torch.from_numpy(lengths)}
        scores = model.full_sort_predict(Interaction(asked))
        scores[:, 0] = -torch.inf
        for row, history in enumerate(known):
            scores[row, history] = -torch.inf
        lists[start : start + BLOCK] = names[scores.topk(k).indices.numpy()]
    return lists


def main() -> None:
    """Train, then list."""
    logging.disable()
    warnings.filterwarnings("ignore")
    work = Work.given()
    config = configuration(work)
    init_seed(config["seed"], config["reproducibility"])
    dataset = create_dataset(config)
    model = train(config, dataset)
    answer(work, Timed.watch, lists_of(model.eval(), dataset, work))


if __name__ == "__main__":
    main()
