"""The whole stage on real files: equal input, equal bytes; every setting on record; errors by name."""

from dataclasses import replace

import numpy as np
import pytest

from genair.archetype.generate import requests, write_archetypes
from genair.config import ArchetypeConfig, Decoding, EmbedConfig
from genair.embed.extract import extract_states, keep_states, read_archetypes
from genair.embed.stage import Ledger, write_embeddings
from genair.errors import InputError
from genair.io.container import open_container
from genair.io.embeddings import create_embeddings, read_table
from genair.io.partial import scratch_partial
from genair.llm.base import BackendSpec
from genair.llm.spool import STREAMS, StatesSpool
from genair.llm.waves import waves_of
from genair.provenance import GENAIR_VERSION

ECHO = BackendSpec("echo", "", "echo", "", "words", parallel=16)
CONFIG = EmbedConfig(dim=3)
IDS = ["007", " 7 ", str(2**60), "日本語", "e", "f"]
HAND = [{"item_id": one, "prompt": f"Who likes {one}?", "archetype": f"Lovers of {one * 2}."} for one in IDS]


def written(config=None, spec=ECHO):
    """Return archetype lines of our own making."""
    config = config or ArchetypeConfig()
    items = [(f"w:{n}", {"item_id": one, "title": f"Item {one * 2}"}) for n, one in enumerate(IDS)]
    units = write_archetypes(waves_of(requests(items, config), config.wave), config, spec, 0)
    return [one.archetype.to_row() for unit in units for one in unit.outcomes]


def refuse(failed):
    raise failed.error


def embed(path, lines=HAND, config=CONFIG, spec=ECHO, skip=refuse, **kwargs):
    """Write a file and return the vectors' size and the ledger."""
    rows = [(f"arch.jsonl:{number}", line) for number, line in enumerate(lines, start=1)]
    ledger = Ledger(spec)
    with scratch_partial(STREAMS, {}) as work, create_embeddings(path) as writer:
        waves = waves_of(ledger.watch(read_archetypes(rows, config)), config.wave)
        units = extract_states(waves, config, spec, 0)
        assert len(list(keep_states(units, work, config.views, skip))) == len(work.done)
        dim = write_embeddings(
            writer,
            StatesSpool.of(work, config.views),
            config,
            spec,
            steps=list(ledger.steps.values()),
            archetypes_sha256="ab" * 32,
            **kwargs,
        )
    return dim, ledger


def test_every_line_has_its_vector_in_order(tmp_path):
    dim, _ = embed(tmp_path / "a.h5")
    table = read_table(tmp_path / "a.h5", "a.h5")
    assert dim == 6
    assert list(table.item_ids) == IDS
    assert table.vectors.shape == (len(IDS), 6)
    assert len(np.unique(table.vectors.round(4), axis=0)) == len(IDS)


def test_equal_lines_give_equal_bytes(tmp_path):
    embed(tmp_path / "a.h5", written())
    embed(tmp_path / "b.h5", written())
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_the_order_of_the_lines_moves_rows_and_not_views(tmp_path):
    embed(tmp_path / "a.h5", HAND)
    embed(tmp_path / "b.h5", HAND[::-1])
    with open_container(tmp_path / "a.h5", "a") as one, open_container(tmp_path / "b.h5", "b") as other:
        assert other.read_strings("item_ids") == IDS[::-1]
        np.testing.assert_array_equal(one.read("views/context"), other.read("views/context")[::-1])


def test_the_file_says_who_wrote_the_archetypes_and_who_read_them(tmp_path):
    lines = [*written(), *({**line, "item_id": f"hand {line['item_id']}"} for line in HAND)]
    embed(tmp_path / "a.h5", lines)
    archetype, step = read_table(tmp_path / "a.h5", "a.h5").steps
    assert archetype.command == "archetype"
    assert archetype.settings["model"] == {"name": "echo", "sha256": "", "runs": "words"}
    assert archetype.versions == {"genair": GENAIR_VERSION}
    assert step.command == "embed"
    assert step.inputs == {"archetypes": "ab" * 32}
    assert step.previous == archetype.id


def test_the_archetypes_step_keeps_the_id_its_lines_carry(tmp_path):
    lines = written()
    embed(tmp_path / "a.h5", lines)
    assert read_table(tmp_path / "a.h5", "a.h5").steps[0].id == lines[0]["_pg"]["id"]


@pytest.mark.parametrize(
    ("change", "settings"),
    [
        ({"views": ("context",)}, {"views": ["context"]}),
        ({"dim": 2}, {"dim": 2}),
        ({"wave": 4}, {"wave": 4}),
    ],
)
def test_every_setting_is_on_record(tmp_path, change, settings):
    embed(tmp_path / "a.h5", config=replace(CONFIG, **change))
    embed(tmp_path / "b.h5")
    one, other = (read_table(tmp_path / name, name).steps[-1] for name in ("a.h5", "b.h5"))
    assert {key: one.settings[key] for key in settings} == settings
    assert one.id != other.id


@pytest.mark.parametrize("change", [{"name": "m"}, {"sha256": "cd"}, {"runs": "f16"}])
def test_everything_about_the_model_is_on_record(tmp_path, change):
    embed(tmp_path / "a.h5", spec=replace(ECHO, **change))
    embed(tmp_path / "b.h5")
    one, other = (read_table(tmp_path / name, name).steps[-1] for name in ("a.h5", "b.h5"))
    assert one.id != other.id


def test_archetypes_of_another_model_are_counted(tmp_path):
    lines = [*written()[:2], *written(spec=replace(ECHO, sha256="cd"))[2:4], *HAND[4:]]
    assert embed(tmp_path / "a.h5", lines)[1].foreign == 2


def test_several_makers_are_several_steps(tmp_path):
    lines = [*written()[:3], *written(ArchetypeConfig(decoding=Decoding(max_tokens=5)))[3:]]
    embed(tmp_path / "a.h5", lines)
    steps = read_table(tmp_path / "a.h5", "a.h5").steps
    assert [step.command for step in steps] == ["archetype", "archetype", "embed"]
    assert steps[-1].previous == steps[-2].id


def test_at_most_sixteen_makers_are_named(tmp_path):
    lines = [{**line, "item_id": f"{n}", "_pg": {"id": f"archetype-{n}"}} for n, line in enumerate(HAND * 4)]
    embed(tmp_path / "a.h5", lines)
    steps = read_table(tmp_path / "a.h5", "a.h5").steps
    assert [step.command for step in steps] == ["archetype"] * 16 + ["embed"]


def test_states_of_the_run_that_wrote_the_archetypes_are_said_to_be_so(tmp_path):
    embed(tmp_path / "a.h5", fused=True)
    embed(tmp_path / "b.h5")
    one, other = (read_table(tmp_path / name, name).steps[-1] for name in ("a.h5", "b.h5"))
    assert one.settings == {**other.settings, "fused": True}


def test_what_failed_has_no_vector_and_moves_nobody_else_s(tmp_path):
    aside = []
    broken = {**HAND[2], "archetype": ""}
    embed(tmp_path / "a.h5", [*HAND[:2], broken, *HAND[3:]], skip=aside.append)
    embed(tmp_path / "b.h5", [*HAND[:2], *HAND[3:]])
    with open_container(tmp_path / "a.h5", "a") as one, open_container(tmp_path / "b.h5", "b") as other:
        assert one.read_strings("item_ids") == other.read_strings("item_ids") == [*IDS[:2], *IDS[3:]]
        np.testing.assert_array_equal(one.read("vectors"), other.read("vectors"))
    assert [failed.error.where for failed in aside] == ["arch.jsonl:3"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "a projection needs two items or more, found 0"),
        (HAND[:1], "a projection needs two items or more, found 1"),
        ([*HAND[:2], {**HAND[2], "item_id": 7}], "arch.jsonl:3: item_id is the number 7"),
        ([*HAND[:2], HAND[0]], "arch.jsonl:3: duplicate item_id '007': first on line 1"),
        (
            [HAND[0], {**HAND[1], "archetype": "One", "finish_reason": "length"}],
            "arch.jsonl:2: the archetype is a single token",
        ),
    ],
)
def test_what_cannot_be_embedded_is_said_by_name(tmp_path, lines, message):
    with pytest.raises(InputError) as caught:
        embed(tmp_path / "a.h5", lines)
    assert str(caught.value).startswith(message)
