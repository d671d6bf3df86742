"""The embedded demo catalogue: 200 invented items, what is planted in them, and 900 buyers.

Books, outdoor gear, kitchen, games and skin care, forty items each, with the copy one finds in a
real shop. Titles, authors and brands are invented. The three data files are
dedicated to the public domain under CC0 1.0 (see `LICENSE` beside this file).

* `items.jsonl`: what a text pipeline may see. Titles carry a few realistic warts (an HTML
  entity, an empty brand, a missing price).
* `planted.jsonl`: what it must not see. Each item has an *audience*, weights in 0..1 over
  thirteen personas that cut across the five domains, and *companions* bought together with it.
* `interactions.jsonl`: purchases that `simulate` draws from the planted truth at its default
  settings, byte for byte; the formulas are in `genair.catalogue.simulator`.

Because the truth is known, a representation can be judged by what it recovers: items of one
category often have different audiences, and one audience buys across all domains.
"""

from genair.catalogue.simulator import (
    ChoiceModel,
    PlantedItem,
    SimulatorConfig,
    interactions_path,
    items_path,
    load_planted,
    planted,
    planted_popularity,
    simulate,
)

__all__ = [
    "ChoiceModel",
    "PlantedItem",
    "SimulatorConfig",
    "interactions_path",
    "items_path",
    "load_planted",
    "planted",
    "planted_popularity",
    "simulate",
]
