"""`calibrate --apply`: items that come later, through a saved adapter, to a model that is trained."""

import json

import numpy as np
import pytest

from genair.io.embeddings import EmbeddingTable, read_table, write_table
from genair_cli.main import main

ECHO = ("--backend", "echo", "--workers", 0)
TOPICS = ("mountaineering expedition", "espresso roastery", "violin orchestra", "tractor agriculture")
STRANGE = ["007", "7", " 7 ", "日本語", "🙂", "a/b", "é", str(2**60)]
IDS = [*STRANGE, *(f"item-{n}" for n in range(8, 80))]
COLD = ["7", "é", *IDS[-6:]]  # 10 %, two of each topic
ADAPTERS = {
    "mlp": ("--objective", "alignment", "--steps", 30, "--learning-rate", 0.01),
    "solved": ("--features", 60),
    "residual": ("--objective", "alignment", "--adapter", "residual", "--features", 60, "--steps", 20),
}


def jsonl(path, rows):
    path.write_bytes(b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows))
    return path


def items(path, chosen):
    rows = [{"item_id": IDS[n], "title": f"{TOPICS[n % 4]} no{n}"} for n in chosen]
    return jsonl(path, rows)


def events(user, cold):
    """Yield a user's events: eight known items of one topic, and behind them perhaps a new one."""
    own = [one for n, one in enumerate(IDS) if n % 4 == user % 4]
    known, new = ([one for one in own if (one in COLD) == late] for late in (False, True))
    chosen = np.random.default_rng(user).permutation(known)[:8].tolist()
    for time, one in enumerate([*chosen, *([new[user // 4 % len(new)]] if cold else [])]):
        yield {"user_id": f"u{user}", "item_id": one, "timestamp": time}


class World:
    """90 % of a catalogue embedded and calibrated three ways, 10 % embedded like it."""

    def __init__(self, folder):
        known, new = ([n for n, one in enumerate(IDS) if (one in COLD) == late] for late in (False, True))
        self.old_items, self.new_items = items(folder / "o.jsonl", known), items(folder / "n.jsonl", new)
        self.log = jsonl(folder / "log.jsonl", (e for user in range(80) for e in events(user, cold=False)))
        self.late = jsonl(folder / "late.jsonl", (e for user in range(80) for e in events(user, cold=True)))
        self.old, self.new = folder / "old.h5", folder / "new.h5"
        self.calibrated = {kind: folder / f"{kind}.h5" for kind in ADAPTERS}
        old_arch, new_arch = folder / "old.arch", folder / "new.arch"
        for command in (
            ("archetype", self.old_items, "-o", old_arch, *ECHO),
            ("archetype", self.new_items, "-o", new_arch, *ECHO),
            ("embed", old_arch, "-o", self.old, "--dim", 12, *ECHO),
            ("embed", new_arch, "--like", self.old, "-o", self.new, *ECHO),
            *(
                ("calibrate", self.old, "-i", self.log, "-o", path, "--dim", 16, *ADAPTERS[kind])
                for kind, path in self.calibrated.items()
            ),
        ):
            assert main([*map(str, command), "-q"]) == 0, command


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(params=ADAPTERS)
def calibrated(request, world):
    return world.calibrated[request.param]


@pytest.fixture
def applied(run, world, calibrated, tmp_path):
    out = tmp_path / "all.h5"
    result = run("calibrate", "--apply", calibrated, world.new, "-o", out)
    assert result.status == 0, result.err
    return out


def test_old_vectors_come_first_and_new_ones_behind_them(world, calibrated, applied):
    merged, before = read_table(applied, "all"), read_table(calibrated, "cal")
    assert merged.item_ids == [*(one for one in IDS if one not in COLD), *(one for one in IDS if one in COLD)]
    assert merged.vectors[:72].tobytes() == before.vectors.tobytes()
    np.testing.assert_allclose(np.linalg.norm(merged.vectors[72:], axis=1), 1, rtol=1e-5)


def test_new_items_lie_beside_those_of_their_topic(applied):
    merged = read_table(applied, "all")
    topic = [IDS.index(one) % 4 for one in merged.item_ids]
    near = (merged.vectors[72:] @ merged.vectors[:72].T).argmax(axis=1)
    assert np.mean([topic[there] == topic[72 + new] for new, there in enumerate(near)]) > 0.8


def test_a_line_tells_how_many_came(run, world, tmp_path):
    words = ("--apply", world.calibrated["solved"], world.new, "-o", tmp_path / "a.h5")
    assert "genair calibrate: 8 new items behind 72" in run("calibrate", *words).err
    assert run("calibrate", *words, "-f", "-q").err == ""


def test_the_file_is_whole_and_its_graph_knows_all_items(run, calibrated, applied):
    (row,) = run("info", applied, "--check").rows
    (before,) = run("info", calibrated).rows
    assert row["check"] == "ok"
    assert row["association"]["pairs"] == before["association"]["pairs"]
    assert row["association"]["items_without"] == before["association"]["items_without"] + 8
    assert row["association"]["score"] == before["association"]["score"]
    assert row["diagnostics"] == before["diagnostics"]
    assert row["diagnostics_of"] == before["steps"][-1]["id"] != row["steps"][-1]["id"]
    assert row["datasets"].keys() == before["datasets"].keys()


def test_the_steps_of_both_files_and_one_more_are_recorded(calibrated, applied):
    steps = read_table(applied, "all").steps
    assert [step.command for step in steps] == [
        *("archetype", "embed", "calibrate"),
        *("embed", "calibrate"),
    ]
    assert steps[:3] == read_table(calibrated, "cal").steps
    assert steps[-1].settings == {"apply": steps[2].id}


def test_equal_inputs_give_equal_files(run, world, calibrated, applied, tmp_path):
    assert run("calibrate", "--apply", calibrated, world.new, "-o", tmp_path / "b.h5").status == 0
    assert (tmp_path / "b.h5").read_bytes() == applied.read_bytes()


def part(path, source, rows):
    """Write some rows of a file to another."""
    table = read_table(source, "source")
    ids = [table.item_ids[row] for row in rows]
    write_table(path, EmbeddingTable(ids, table.vectors[list(rows)], table.steps))
    return path


def test_more_items_can_follow(run, world, calibrated, applied, tmp_path):
    once, twice = tmp_path / "once.h5", tmp_path / "twice.h5"
    first, rest = (part(tmp_path / f"{rows}.h5", world.new, rows) for rows in (range(3), range(3, 8)))
    assert run("calibrate", "--apply", calibrated, first, "-o", once).status == 0
    assert run("calibrate", "--apply", once, rest, "-o", twice).status == 0
    found, wanted = read_table(twice, "twice"), read_table(applied, "all")
    assert found.item_ids == wanted.item_ids
    np.testing.assert_allclose(found.vectors, wanted.vectors, atol=1e-5)
    assert run("info", twice, "--check").rows[0]["check"] == "ok"


def test_either_input_may_come_through_a_pipe_but_not_both(run, world, applied, calibrated, tmp_path):
    for words, stdin in (((calibrated, "-"), world.new), (("-", world.new), calibrated)):
        out = ("-o", tmp_path / "b.h5", "-f")
        assert run("calibrate", "--apply", *words, *out, stdin=stdin.read_bytes()).status == 0
        assert (tmp_path / "b.h5").read_bytes() == applied.read_bytes()
    result = run("calibrate", "--apply", "-", "-", "-o", tmp_path / "c.h5")
    result.fails(2, "only one input can be stdin")


def hits(result, k=10):
    assert result.status == 0, result.err
    return next(row["value"] for row in result.rows if row["metric"] == "hr" and row["k"] == k)


def test_a_model_trained_before_they_came_ranks_them(run, world, calibrated, applied, tmp_path):
    model = tmp_path / "model.h5"
    words = ("-i", world.log, "-o", model, "--items", "text", "--epochs", 15)
    assert run("train", calibrated, *words).status == 0
    result = run("eval", model, "-i", world.late, "--vectors", applied)
    assert hits(result) > 0.35  # by chance 0.14
    assert "are new to the model" in result.err


SETTLED = [
    *(("--dim", 8), ("--objective", "spectral"), ("--gamma", 1), ("--split", "time"), ("--holdout", 0)),
    *(("--seed", 1), ("--on-error", "skip")),
    *(("--window", 1), ("--min-count", 1), ("--user-norm", "size"), ("--score", "log"), ("--max-pairs", 9)),
    *(("--features", 9), ("--tau", 1), ("--ridge", 1), ("--power", 1)),
    *(("--adapter", "mlp"), ("--hold", 0), ("--steps", 9), ("--learning-rate", 1), ("--batch-items", 9)),
    *(("--stop-on", "none"), ("--patience", 9), ("--allow-collapse",)),
]


@pytest.mark.parametrize("words", SETTLED, ids=lambda words: words[0])
def test_what_the_calibration_settles_cannot_be_given(run, world, tmp_path, words):
    out = ("-o", tmp_path / "a.h5")
    result = run("calibrate", "--apply", world.calibrated["solved"], world.new, *out, *words)
    result.fails(2, f"{words[0]} does not go with --apply, whose file settles it")
    assert list(tmp_path.iterdir()) == []


def test_every_option_of_learning_is_tried(run):
    told = {word for word in run("calibrate", "--help").out.decode().split() if word.startswith("--")}
    of_files = {"--interactions", "--apply", "--output", "--force", "--quiet", "--verbose"}
    assert told - of_files - {"--no-color", "--help"} == {words[0] for words in SETTLED}


def test_a_log_is_not_learned_from_beside_it(run, world, tmp_path):
    words = ("--apply", world.calibrated["solved"], "-i", world.log, "-o", tmp_path / "a.h5")
    run("calibrate", world.new, *words).fails(2, "--interactions does not go with --apply")


def test_without_a_log_and_without_it_there_is_nothing_to_do(run, world, tmp_path):
    result = run("calibrate", world.new, "-o", tmp_path / "a.h5")
    result.fails(2, "--interactions names the click log to learn from, or --apply a finished calibration")


def test_items_that_are_there_already_are_refused_by_name(run, world, calibrated, tmp_path):
    twice = part(tmp_path / "twice.h5", world.old, [3, 0])
    result = run("calibrate", "--apply", calibrated, twice, "-o", tmp_path / "a.h5")
    result.fails(3, "twice.h5: 2 items are calibrated already, the first is '007'")
    assert not (tmp_path / "a.h5").exists()


def test_vectors_of_another_space_are_refused_with_the_way_to_make_them(run, world, calibrated, tmp_path):
    other, arch = tmp_path / "other.h5", tmp_path / "n.arch"
    assert run("archetype", world.new_items, "-o", arch, *ECHO).status == 0
    assert run("embed", arch, "-o", other, "--dim", 12, *ECHO).status == 0
    result = run("calibrate", "--apply", calibrated, other, "-o", tmp_path / "a.h5")
    result.fails(3, "other.h5: its vectors lie in another space", "make them with `genair embed --like`")
    assert not (tmp_path / "a.h5").exists()


def test_a_file_that_is_not_calibrated_has_no_adapter(run, world, tmp_path):
    result = run("calibrate", "--apply", world.old, world.new, "-o", tmp_path / "a.h5")
    result.fails(3, "old.h5: has no adapter: give the file that `genair calibrate` wrote")


@pytest.mark.parametrize(("name", "status"), [("none.h5", 1), ("log.jsonl", 3)])
def test_what_is_no_embedding_file_is_refused_by_name(run, world, tmp_path, name, status):
    path = {"log.jsonl": world.log}.get(name, tmp_path / name)
    out = ("-o", tmp_path / "a.h5")
    run("calibrate", "--apply", path, world.new, *out).fails(status, name)
    run("calibrate", "--apply", world.calibrated["solved"], path, *out).fails(status, name)


def test_an_output_that_exists_is_kept_unless_forced(run, world, tmp_path):
    out = tmp_path / "a.h5"
    out.write_bytes(b"mine")
    words = ("calibrate", "--apply", world.calibrated["solved"], world.new, "-o", out)
    run(*words).fails(1, "exists already")
    assert out.read_bytes() == b"mine"
    assert run(*words, "--force").status == 0
    assert len(read_table(out, "a").item_ids) == 80
