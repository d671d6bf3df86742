"""Items that come after the others: through the projections that are there, and a model that is trained."""

import json

import numpy as np
import pytest

from genair.catalogue import items_path
from genair.evaluate.metrics import METRICS
from genair.io.container import open_container
from genair.io.embeddings import EmbeddingTable, read_table, write_table
from genair_cli.main import main

ECHO = ("--backend", "echo", "--workers", 0)
TOPICS = ("mountaineering expedition", "espresso roastery", "violin orchestra", "tractor agriculture")
STRANGE = ["007", "7", " 7 ", "日本語", "🙂", "a/b", "é", str(2**60)]
IDS = [*STRANGE, *(f"item-{n}" for n in range(8, 80))]
COLD = ["é", *IDS[-7:]]  # some of each topic


def jsonl(path, rows):
    path.write_bytes(b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows))
    return path


def item(number):
    return {"item_id": IDS[number], "title": f"{TOPICS[number % 4]} no{number}"}


def events(user, cold):
    """Yield a user's events: eight known items of one topic, and behind them perhaps a new one."""
    own = [one for n, one in enumerate(IDS) if n % 4 == user % 4]
    known = [one for one in own if one not in COLD]
    new = [one for one in own if one in COLD]
    chosen = [
        *np.random.default_rng(user).permutation(known)[:8].tolist(),
        *([new[user // 4 % len(new)]] if cold else []),
    ]
    for time, one in enumerate(chosen):
        yield {"user_id": f"u{user}", "item_id": one, "timestamp": time}


class World:
    """A toy where text decides: users stay with a topic, and their last event is a new item of it."""

    def __init__(self, folder):
        self.folder = folder
        known, new = ([n for n, one in enumerate(IDS) if (one in COLD) == cold] for cold in (False, True))
        self.old_items = jsonl(folder / "old.jsonl", map(item, known))
        self.new_items = jsonl(folder / "new.jsonl", map(item, new))
        self.log = jsonl(folder / "log.jsonl", (e for user in range(80) for e in events(user, cold=False)))
        self.late = jsonl(folder / "late.jsonl", (e for user in range(80) for e in events(user, cold=True)))
        self.old, self.new, self.model = (folder / name for name in ("old.h5", "new.h5", "model.h5"))
        self.old_arch, self.new_arch = folder / "old.arch", folder / "new.arch"

    def make(self):
        for command in (
            ("archetype", self.old_items, "-o", self.old_arch, *ECHO),
            ("archetype", self.new_items, "-o", self.new_arch, *ECHO),
            ("embed", self.old_arch, "-o", self.old, "--dim", 12, *ECHO),
            ("embed", self.new_arch, "--like", self.old, "-o", self.new, *ECHO),
            ("train", self.old, "-i", self.log, "-o", self.model, "--items", "text", "--epochs", 15),
        ):
            assert main([*map(str, command), "-q"]) == 0, command
        return self

    def merge(self, path):
        """Write all vectors to one file, in another order."""
        old, new = read_table(self.old, "old"), read_table(self.new, "new")
        ids, vectors = [*old.item_ids, *new.item_ids], np.concatenate([old.vectors, new.vectors])
        order = np.random.default_rng(1).permutation(len(ids))
        write_table(path, EmbeddingTable([ids[row] for row in order], vectors[order], new.steps))
        return path


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world")).make()


@pytest.fixture
def merged(world, tmp_path):
    return world.merge(tmp_path / "all.h5")


def test_the_same_archetypes_have_the_same_vectors(run, world, tmp_path):
    again = tmp_path / "again.h5"
    result = run("embed", world.old_arch, "--like", world.old, "-o", again, *ECHO)
    assert result.status == 0, result.err
    assert "72 vectors" in result.err
    np.testing.assert_array_equal(read_table(again, "a").vectors, read_table(world.old, "b").vectors)


def test_new_items_lie_beside_those_of_their_topic(world):
    old, new = read_table(world.old, "old"), read_table(world.new, "new")
    assert list(new.item_ids) == [one for one in IDS if one in COLD]
    topic = {one: n % 4 for n, one in enumerate(IDS)}
    near = [old.item_ids[row] for row in (new.vectors @ old.vectors.T).argmax(axis=1)]
    assert [topic[one] for one in near] == [topic[one] for one in new.item_ids]


def test_the_file_has_all_that_is_usual_and_says_what_it_is_like(run, world):
    found = run("info", world.new, "--json", "--check").rows[0]
    old = run("info", world.old, "--json").rows[0]
    assert found["datasets"].keys() == old["datasets"].keys()
    assert found["steps"][:2] == old["steps"]
    assert found["steps"][-1]["settings"] == {**old["steps"][-1]["settings"], "like": old["steps"][-1]["id"]}
    assert [step["command"] for step in found["steps"]] == ["archetype", "embed", "embed"]


def test_one_new_item_is_enough_and_none_is_an_error(run, world, tmp_path):
    first = world.new_arch.read_bytes().split(b"\n")[0] + b"\n"
    words = ("embed", "--like", world.old, *ECHO, "-o")
    assert run(*words, tmp_path / "a.h5", stdin=first).status == 0
    assert list(read_table(tmp_path / "a.h5", "a").item_ids) == COLD[:1]
    run(*words, tmp_path / "b.h5").fails(3, "stdin: no archetypes: the input is empty")
    broken = b'{"item_id": "x"}\n'
    result = run(*words, tmp_path / "b.h5", "--on-error", "skip", stdin=broken)
    result.fails(3, "no item is left to make a vector of")
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_archetypes_that_were_asked_for_otherwise_are_warned_of(run, world, tmp_path):
    for name, words in (("same", ()), ("other", ("--item-type", "kitchen tool", "--max-tokens", 9))):
        written = run("archetype", world.new_items, "-o", tmp_path / name, *ECHO, *words)
        assert written.status == 0
        told = run("embed", tmp_path / name, "--like", world.old, "-o", tmp_path / f"{name}.h5", *ECHO).err
        warned = "warning: these archetypes were written with another item_type, decoding than those of"
        assert (warned in told) == (name == "other")
        assert ("another" in told) == (name == "other")


def test_either_input_may_come_through_a_pipe_but_not_both(run, world, tmp_path):
    words = ("embed", world.new_arch, "--like", "-", *ECHO, "-o", tmp_path / "a.h5")
    assert run(*words, stdin=world.old.read_bytes()).status == 0
    assert (tmp_path / "a.h5").read_bytes() == world.new.read_bytes()
    run("embed", "--like", "-", *ECHO, "-o", tmp_path / "b.h5").fails(2, "only one input can be stdin")


@pytest.mark.parametrize("words", [("--views", "both"), ("--dim", 12)])
def test_what_the_file_settles_cannot_be_given(run, world, tmp_path, words):
    result = run("embed", world.new_arch, "--like", world.old, *words, *ECHO, "-o", tmp_path / "a.h5")
    result.fails(2, f"{words[0]} does not go with --like, whose file settles it")
    assert list(tmp_path.iterdir()) == []


def test_defaults_from_a_settings_file_give_way(run, world, tmp_path):
    (tmp_path / "c.toml").write_text('[embed]\nviews = "context"\ndim = 3\nwave = 5\n')
    words = ("--like", world.old, *ECHO, "-o", tmp_path / "a.h5")
    assert run("--config", tmp_path / "c.toml", "embed", world.new_arch, *words).status == 0
    assert (tmp_path / "a.h5").read_bytes() == world.new.read_bytes()


def test_the_wave_is_the_file_s_unless_given(run, world, tmp_path):
    assert run("embed", world.old_arch, "--wave", 5, "-o", tmp_path / "a.h5", *ECHO).status == 0
    like = ("embed", world.new_arch, "--like", tmp_path / "a.h5", *ECHO)
    for words, wave in (((), 5), (("--wave", 3), 3)):
        assert run(*like, *words, "-o", tmp_path / "b.h5", "-f").status == 0
        assert read_table(tmp_path / "b.h5", "b").steps[-1].settings["wave"] == wave


def test_a_calibrated_file_has_no_projection(run, world, tmp_path):
    write_table(tmp_path / "cal.h5", read_table(world.old, "old"))
    result = run("embed", world.new_arch, "--like", tmp_path / "cal.h5", *ECHO, "-o", tmp_path / "a.h5")
    result.fails(3, "cal.h5: has no projection: give the file that `genair embed` wrote")


@pytest.mark.parametrize(("name", "status"), [("none.h5", 1), ("model", 3), ("text", 3)])
def test_what_is_no_embedding_file_is_refused_by_name(run, world, tmp_path, name, status):
    path = {"model": world.model, "text": world.log}.get(name, tmp_path / name)
    result = run("embed", world.new_arch, "--like", path, *ECHO, "-o", tmp_path / "a.h5")
    result.fails(status, path.name)


def test_interrupted_work_goes_on_only_like_the_same_file(run, world, tmp_path):
    lines = world.new_arch.read_bytes().splitlines(keepends=True)
    out, other = tmp_path / "a.h5", tmp_path / "other.h5"
    words = ("embed", "-o", out, "--wave", 2, *ECHO)
    run(*words, "--like", world.old, stdin=b"".join(lines[:5]) + b"{broken\n").fails(3, "stdin:6")
    assert run("embed", world.old_arch, "-o", other, "--dim", 9, *ECHO).status == 0
    whole = b"".join(lines)
    run(*words, "--like", other, "--resume", stdin=whole).fails(2, "it was made with dim 12, now it is 9")
    assert run("embed", world.old_arch, "-n", 50, "-o", other, "--dim", 12, "-f", *ECHO).status == 0
    run(*words, "--like", other, "--resume", stdin=whole).fails(2, "made with like 'embed-")
    run(*words, "--dim", 12, "--resume", stdin=whole).fails(2, "made with like 'embed-", "now it is None")
    assert "going on" in run(*words, "--like", world.old, "--resume", stdin=whole).err
    resumed = out.read_bytes()
    assert run(*words, "--like", world.old, "--force", stdin=whole).status == 0
    assert out.read_bytes() == resumed


def hits(result, k=10):
    assert result.status == 0, result.err
    return next(row["value"] for row in result.rows if row["metric"] == "hr" and row["k"] == k)


def test_a_model_of_text_ranks_items_it_never_saw(run, world, merged):
    result = run("eval", world.model, "-i", world.late, "--vectors", merged)
    assert hits(result) > 0.5  # by chance 0.14
    assert "8 items of" in result.err
    assert "are new to the model" in result.err


def test_it_ranks_them_by_their_own_vectors(run, world, merged, tmp_path):
    found = read_table(merged, "all")
    rows = [found.item_ids.index(one) for one in COLD]
    vectors = found.vectors.copy()
    vectors[rows] = np.roll(vectors[rows], 1, axis=0)  # each has that of another topic
    write_table(tmp_path / "b.h5", EmbeddingTable(found.item_ids, vectors, found.steps))
    words = ("eval", world.model, "-i", world.late, "--vectors")
    assert hits(run(*words, tmp_path / "b.h5")) < 0.25 < hits(run(*words, merged))


def test_the_rows_are_the_usual_ones(run, world, merged):
    before = run("eval", world.model, "-i", world.log)
    after = run("eval", world.model, "-i", world.log, "--vectors", merged)
    keys = [[(name, row[name]) for name in ("metric", "k", "group", "users")] for row in before.rows]
    assert [[(name, row[name]) for name in ("metric", "k", "group", "users")] for row in after.rows] == keys
    pairs = [pair for pair in zip(before.rows, after.rows, strict=True) if pair[0]["metric"] in METRICS]
    assert all(new["value"] <= old["value"] + 0.01 for old, new in pairs)


def test_the_order_of_the_vectors_does_not_matter(run, world, merged, tmp_path):
    found = read_table(merged, "all")
    order = sorted(range(len(IDS)), key=found.item_ids.__getitem__)
    ids = [found.item_ids[row] for row in order]
    write_table(tmp_path / "b.h5", EmbeddingTable(ids, found.vectors[order], found.steps))
    words = ("eval", world.model, "-i", world.late, "--vectors")
    assert run(*words, merged).rows == run(*words, tmp_path / "b.h5").rows


def test_without_the_vectors_a_new_item_is_an_unknown_one(run, world):
    run("eval", world.model, "-i", world.late).fails(3, "late.jsonl")


@pytest.mark.parametrize("mode", ["id", "text+id"])
def test_a_model_with_rows_of_ids_is_refused(run, world, merged, tmp_path, mode):
    model = tmp_path / "m.h5"
    words = ("train", world.old, "-i", world.log, "--items", mode, "--epochs", 1, "-o", model)
    assert run(*words).status == 0
    result = run("eval", model, "-i", world.late, "--vectors", merged)
    result.fails(3, "m.h5: was trained with --items", "train with --items text")


def test_vectors_that_are_not_the_model_s_are_refused(run, world, merged, tmp_path):
    words = ("eval", world.model, "-i", world.late, "--vectors")
    run(*words, world.new).fails(3, f"72 item ids are not in {world.new}: '007', '7'")
    found = read_table(merged, "all")
    write_table(tmp_path / "b.h5", EmbeddingTable(found.item_ids, found.vectors * 1.01, found.steps))
    run(*words, tmp_path / "b.h5").fails(3, "b.h5: was not made of the same vectors as", "model.h5")
    run(*words, tmp_path / "none.h5").fails(1, "none.h5: no such file")
    run("eval", "-", "-i", world.late, "--vectors", "-").fails(2, "only one input can be stdin")


@pytest.mark.llm
def test_the_real_model_puts_new_items_where_they_would_have_been(run, tmp_path):
    titles = [json.loads(line) for line in items_path().read_bytes().splitlines()[:8]]
    lines = [
        {
            "item_id": one["item_id"],
            "prompt": f"title is {one['title']}",
            "archetype": f"People who like {n}.",
        }
        for n, one in enumerate(titles)
    ]
    arch = jsonl(tmp_path / "arch.jsonl", lines[:6])
    every = jsonl(tmp_path / "every.jsonl", lines)
    old, new = tmp_path / "old.h5", tmp_path / "new.h5"
    assert run("embed", arch, "-o", old, "--workers", 1, "--wave", 3).status == 0
    run("embed", every, "--like", old, *ECHO, "-o", new).fails(3, "old.h5: was made by the model smollm2")
    result = run("embed", every, "--like", old, "-o", new, "--workers", 1)
    assert result.status == 0, result.err
    assert "warning" not in result.err
    vectors, before = read_table(new, "new").vectors, read_table(old, "old").vectors
    np.testing.assert_allclose(vectors[:6], before, atol=1e-3 * np.abs(before).max())
    with open_container(old, "old") as one, open_container(new, "new") as other:
        for name in one.names("reducer"):
            np.testing.assert_array_equal(one.read(name), other.read(name))
    assert np.isfinite(vectors).all()
    assert len(np.unique(vectors, axis=0)) == 8
