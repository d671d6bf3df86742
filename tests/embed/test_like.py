"""New items by the projections of a file that is there: the same space, and nothing is fitted."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

from genair.config import EmbedConfig
from genair.embed.extract import extract_states, keep_states, read_archetypes
from genair.embed.like import read_likeness
from genair.embed.reduce import PCA
from genair.embed.stage import Ledger, read_settings, write_embeddings
from genair.errors import InputError
from genair.io.container import open_container
from genair.io.embeddings import EmbeddingTable, create_embeddings, read_table, write_table
from genair.io.partial import scratch_partial
from genair.llm.base import BackendSpec
from genair.llm.spool import STREAMS, StatesSpool
from genair.llm.waves import waves_of

ECHO = BackendSpec("echo", "", "echo", "", "words", parallel=16)
CONFIG = EmbedConfig(dim=3, wave=4)
IDS = ["007", " 7 ", "7", str(2**60), "日本語", "🙂", "e", "f"]


def line(item_id, maker="a"):
    made_by = {"id": f"archetype-{maker}", "decoding": maker}
    return {"item_id": item_id, "prompt": f"Who likes {item_id}?", "archetype": f"Lovers of {item_id * 2}.",
            "_pg": made_by}  # fmt: skip


def embed(path, lines, config=CONFIG, like=None):
    """Write a file, return its path."""
    ledger = Ledger(ECHO)
    rows = [(f"arch.jsonl:{number}", one) for number, one in enumerate(lines, start=1)]
    with scratch_partial(STREAMS, {}) as work, create_embeddings(path) as writer:
        waves = waves_of(ledger.watch(read_archetypes(rows, config)), config.wave)
        list(keep_states(extract_states(waves, config, ECHO, 0), work, config.views, print))
        spool = StatesSpool.of(work, config.views)
        steps = list(ledger.steps.values())
        write_embeddings(writer, spool, config, ECHO, steps=steps, archetypes_sha256="ab" * 32, like=like)
    return path


def embed_like(path, lines, old, **changes):
    like = read_likeness(old, old.name)
    return embed(path, lines, replace(like.config, **changes), like)


def arrays(path):
    with open_container(path, path.name) as container:
        return {name: container.read(name) for name in container.names() if "/" in name or name == "vectors"
                if not name.startswith("provenance")}  # fmt: skip


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return embed(tmp_path_factory.mktemp("old") / "emb.h5", [line(one) for one in IDS[:6]])


def test_the_file_tells_how_its_vectors_were_made(old):
    like = read_likeness(old, "emb.h5")
    assert like.config == CONFIG
    assert set(like.reducers) == {"context", "archetype"}
    assert like.made_by == like.steps[-1]
    found = arrays(old)
    for view, reducer in like.reducers.items():
        for name, array in reducer.arrays().items():
            np.testing.assert_array_equal(array, found[f"reducer/{view}/{name}"])


def test_the_same_archetypes_have_the_same_vectors(old, tmp_path):
    again = embed_like(tmp_path / "a.h5", [line(one) for one in IDS[:6]], old)
    for name, array in arrays(old).items():
        np.testing.assert_array_equal(arrays(again)[name], array, err_msg=name)


@pytest.mark.parametrize("change", [{"wave": 1}, {"wave": 6}])
def test_known_items_among_new_ones_keep_their_vectors(old, tmp_path, change):
    new = embed_like(tmp_path / "a.h5", [line(one) for one in IDS[::-1]], old, **change)
    found = read_table(new, "a.h5")
    assert list(found.item_ids) == IDS[::-1]
    np.testing.assert_allclose(found.vectors[::-1][:6], read_table(old, "emb.h5").vectors, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2])
def test_new_items_have_the_projection_of_their_own_states(old, tmp_path, count):
    found = arrays(embed_like(tmp_path / "a.h5", [line(one) for one in IDS[-count:]], old))
    reducers = read_likeness(old, "emb.h5").reducers
    wanted = [reducers[view].project(found[f"views/{view}"]) for view in CONFIG.views]
    np.testing.assert_array_equal(found["vectors"], np.concatenate(wanted, axis=1))
    assert found["vectors"].shape == (count, 6)
    assert len(np.unique(np.concatenate([found["vectors"], arrays(old)["vectors"]]), axis=0)) == 6 + count


@pytest.mark.parametrize("views", [("context",), ("archetype", "context")])
def test_views_and_their_order_are_the_file_s(tmp_path, views):
    lines = [line(one) for one in IDS]
    old = embed(tmp_path / "old.h5", lines, replace(CONFIG, views=views))
    new = embed_like(tmp_path / "new.h5", lines, old)
    np.testing.assert_array_equal(arrays(new)["vectors"], arrays(old)["vectors"])
    assert set(arrays(new)) == set(arrays(old))


def test_provenance_goes_on_behind_the_file_s_own(old, tmp_path):
    lines = [line(IDS[6], "a"), line(IDS[7], "b")]
    new = embed_like(tmp_path / "a.h5", lines, old)
    before, steps = read_table(old, "emb.h5").steps, read_table(new, "a.h5").steps
    assert steps[:2] == before
    assert [step.command for step in steps] == ["archetype", "embed", "archetype", "embed"]
    assert steps[2].settings == {"decoding": "b"}
    assert steps[3].settings == {**before[1].settings, "like": before[1].id}
    assert steps[3].previous == steps[2].id


def test_a_file_made_like_another_can_be_followed_in_turn(old, tmp_path):
    second = embed_like(tmp_path / "a.h5", [line(IDS[6])], old)
    third = embed_like(tmp_path / "b.h5", [line(IDS[7])], second)
    steps = read_table(third, "b.h5").steps
    assert [step.settings.get("like") for step in steps] == [None, None, steps[1].id, steps[2].id]
    straight = embed_like(tmp_path / "c.h5", [line(IDS[7])], old)
    np.testing.assert_array_equal(arrays(third)["vectors"], arrays(straight)["vectors"])


def test_work_like_one_file_is_not_work_like_another(old, tmp_path):
    other = embed(tmp_path / "other.h5", [line(one) for one in IDS[:5]], replace(CONFIG, wave=2))
    likes = [None, read_likeness(old, "old"), read_likeness(other, "other")]
    settings = [read_settings(CONFIG, ECHO, like) for like in likes]
    assert len({one.get("like") for one in settings}) == 3


def test_nothing_to_project_is_said(old, tmp_path):
    with pytest.raises(InputError, match="no item is left to make a vector of"):
        embed_like(tmp_path / "a.h5", [], old)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sha256": "cd" * 32}, "made by the model echo, this is echo (cdcdcdcdcdcd): use --model echo"),
        (
            {"backend": "llamacpp", "name": "smol", "sha256": "cd" * 32},
            "made by the model echo, this is smol (cdcdcdcdcdcd): use --backend echo --model echo",
        ),
    ],
)
def test_another_model_is_refused(old, changes, words):
    like = read_likeness(old, "emb.h5")
    like.check_model(ECHO)
    with pytest.raises(InputError) as caught:
        like.check_model(replace(ECHO, **changes))
    assert str(caught.value) == f"emb.h5: was {words}"


def test_the_same_model_held_otherwise_is_told_apart(old):
    like = read_likeness(old, "emb.h5")
    assert not like.runs_otherwise(ECHO)
    assert like.runs_otherwise(replace(ECHO, runs="q8_0"))


def test_a_file_without_projections_is_refused(old, tmp_path):
    table = read_table(old, "emb.h5")
    write_table(tmp_path / "cal.h5", table)
    with pytest.raises(InputError, match=r"cal\.h5: has no projection: give the file that `genair embed`"):
        read_likeness(tmp_path / "cal.h5", "cal.h5")


def test_a_file_that_no_embed_wrote_is_refused(old, tmp_path):
    extras = {name: array for name, array in arrays(old).items() if name.startswith("reducer")}
    write_table(tmp_path / "a.h5", EmbeddingTable(["x"], np.ones((1, 2), "f4"), [], extras))
    with pytest.raises(InputError, match=r"a\.h5: does not say which model made it"):
        read_likeness(tmp_path / "a.h5", "a.h5")


@pytest.mark.parametrize("damage", ["missing", "short", "nan", "surplus", "view"])
def test_damaged_projections_are_refused(old, tmp_path, damage):
    bad = tmp_path / "bad.h5"
    bad.write_bytes(old.read_bytes())
    with h5py.File(bad, "r+") as file:
        group = file["reducer/context"]
        mean = group["mean"][()]
        if damage == "view":
            del file["reducer/context"]
        elif damage == "surplus":
            group["more"] = mean
        else:
            del group["mean"]
        if damage in ("short", "nan"):
            group["mean"] = mean[:-1] if damage == "short" else mean * np.nan
    with pytest.raises(InputError, match=r"bad\.h5: (/reducer/context is damaged|has no /reducer/context)"):
        read_likeness(bad, "bad.h5")


def test_a_projection_comes_back_from_its_arrays():
    pca = PCA(np.arange(3.0), np.eye(3)[:2], np.asarray([2.0, 1.0]))
    rows = np.ones((2, 3), "f4")
    np.testing.assert_array_equal(PCA.of(pca.arrays()).project(rows), pca.project(rows))
