"""`--resume`: work that stopped goes on behind its last whole wave, and nobody can tell from the outputs."""

import gzip
import json
import re
import signal

import pytest

pytestmark = pytest.mark.slow

ECHO = ("--backend", "echo", "--wave", 4, "--workers", 0)
BROKEN = b"{broken\n"


@pytest.fixture
def lines(files):
    return files.items.read_bytes().splitlines(keepends=True)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.jsonl"


@pytest.fixture
def go(run, out):
    """Write archetypes of some lines, with some options more."""

    def call(lines, *words, output=out):
        return run("archetype", "-", "-o", output, *ECHO, *words, stdin=b"".join(lines))

    return call


@pytest.fixture
def stopped(go, lines, out, done):
    """Stop after two waves: the eleventh line is broken."""
    result = go([*lines[:10], BROKEN])
    result.fails(3, "stdin:11: broken JSON")
    assert "out.jsonl.partial keeps 2 waves: --resume goes on with them" in result.err
    assert done(out) == 2


@pytest.fixture
def whole(run, files):
    return run("archetype", files.items, *ECHO).out


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_outcome_is_that_of_an_undisturbed_run(go, lines, stopped, out, whole):
    result = go(lines, "--resume")
    assert result.status == 0, result.err
    assert "out.jsonl: going on behind 2 waves done before" in result.err
    assert "genair archetype: 32 archetypes in" in result.err
    assert out.read_bytes() == whole
    assert names(out.parent) == ["out.jsonl"]


def test_where_there_is_nothing_to_go_on_with_it_just_runs(go, lines, out, whole):
    result = go(lines, "--resume")
    assert result.status == 0, result.err
    assert "going on" not in result.err
    assert out.read_bytes() == whole


def test_a_pipe_and_a_file_and_any_number_of_workers_go_on_with_one_another(run, files, stopped, out, whole):
    words = ("archetype", files.items, "-o", out, *ECHO[:-1])
    assert run(*words, 2, "--resume").status == 0
    assert out.read_bytes() == whole


def test_without_it_interrupted_work_is_kept_and_refused(go, lines, stopped, out):
    result = go(lines)
    result.fails(1, "holds interrupted work", "--resume goes on with it", "--force starts again")
    assert names(out.parent) == ["out.jsonl.partial"]


def test_force_starts_again(go, lines, stopped, out, whole):
    result = go(lines, "--force")
    assert result.status == 0, result.err
    assert "40 archetypes" in result.err
    assert out.read_bytes() == whole


@pytest.mark.parametrize("output", [(), ("-o", "-"), ("-o", "/dev/null")])
def test_what_went_to_a_pipe_cannot_be_gone_on_with(run, files, output):
    result = run("archetype", files.items, *ECHO, *output, "--resume")
    result.fails(2, "--resume needs -o FILE: what went to a pipe is gone")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("--max-tokens", 5), "decoding.max_tokens 48, now it is 5"),
        (("--temperature", 0.5), "decoding.temperature 0.0, now it is 0.5"),
        (("--repeat-penalty", 1.3), "decoding.repeat_penalty 1.1, now it is 1.3"),
        (("--prompt", "paper"), "it was made with max_field_chars"),
        (("--item-type", "gadget"), "item_type 'item', now it is 'gadget'"),
        (("--fields", "title"), "fields [], now it is ['title']"),
        (("--max-field-chars", 9), "it was made with max_field_chars"),
        (("--wave", 5), "wave [4, 32], now it is [5, 32]"),
        (("--parallel", 3), "wave [4, 32], now it is [4, 3]"),
        (("--embeddings", "emb.h5"), "embeddings False, now it is True"),
    ],
)
def test_other_settings_are_named_and_nothing_is_lost(
    go, lines, stopped, out, whole, monkeypatch, words, name
):
    monkeypatch.chdir(out.parent)
    result = go(lines, "--resume", *words)
    assert result.status == 2, result.err
    assert name in result.err
    assert names(out.parent) == ["out.jsonl.partial"]
    assert go(lines, "--resume").status == 0
    assert out.read_bytes() == whole


def test_a_seed_that_greedy_decoding_does_not_use_is_no_other_work(
    run, lines, stopped, out, whole, tmp_path_factory
):
    own = tmp_path_factory.mktemp("own") / "c.toml"
    own.write_text("[archetype]\nseed = 1\n")
    words = ("--config", own, "archetype", "-", "-o", out, *ECHO, "--resume")
    assert run(*words, stdin=b"".join(lines)).status == 0
    assert out.read_bytes() == whole


def test_vectors_of_another_version_are_not_gone_on_with(run, files, tmp_path, monkeypatch):
    lines = files.archetypes.read_bytes().split(b"\n")
    words = ("embed", "-", "-o", tmp_path / "emb.h5", *ECHO)
    run(*words, stdin=b"\n".join([*lines[:10], BROKEN])).fails(3, "broken JSON")
    monkeypatch.setattr("genair.provenance.GENAIR_VERSION", "99.9")
    result = run(*words, "--resume", stdin=files.archetypes.read_bytes())
    result.fails(2, "versions.genair", "now it is '99.9'")


def test_another_shard_is_another_work(run, files, stopped, out):
    result = run("archetype", files.items, "-o", out, *ECHO, "--resume", "--shard", "1/2")
    result.fails(2, "shard [1, 1], now it is [1, 2]")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda lines: [lines[1], lines[0], *lines[2:]], "stdin:1"),
        (lambda lines: [*lines[:5], lines[5].replace(b'"title": "', b'"title": "A '), *lines[6:]], "stdin:5"),
        (lambda lines: [*lines[:3], *lines[4:]], "stdin:1"),
    ],
)
def test_other_items_are_an_error_and_nothing_is_lost(go, lines, stopped, out, whole, change, place):
    changed = change(lines)
    assert changed != lines
    result = go(changed, "--resume")
    assert result.status == 3
    assert f"error: {place}: the input changed since the work was interrupted" in result.err
    assert go(lines, "--resume").status == 0
    assert out.read_bytes() == whole


def test_items_that_are_gone_are_an_error_and_nothing_is_lost(go, lines, stopped, out, whole):
    result = go(lines[:4], "--resume")
    assert result.status == 3
    assert "the input has become shorter since the work was interrupted" in result.err
    assert go(lines, "--resume").status == 0
    assert out.read_bytes() == whole


def test_more_items_behind_those_that_were_done_are_welcome(go, lines, out, whole):
    go([*lines[:8], BROKEN]).fails(3, "stdin:9")
    assert go(lines, "--resume").status == 0
    assert out.read_bytes() == whole


def test_gzip_is_made_at_the_end_and_the_same(go, lines, tmp_path, whole):
    undisturbed, resumed = tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"
    assert go(lines, output=undisturbed).status == 0
    go([*lines[:10], BROKEN], output=resumed).fails(3)
    assert go(lines, "--resume", output=resumed).status == 0
    assert gzip.decompress(resumed.read_bytes()) == whole
    assert resumed.read_bytes() == undisturbed.read_bytes()


BAD = [b'{"item_id": "bad"}\n', BROKEN, b'{"item_id": 7}\n']


def with_bad_ones(lines):
    return [line for n, one in enumerate(lines) for line in ([one, BAD[n % 3]] if n % 5 == 0 else [one])]


def test_skipped_records_are_kept_and_counted_across_the_parts(start, go, lines, out, done):
    words = ("--on-error", "skip", "--errors", out.parent / "bad.jsonl")
    mixed = with_bad_ones(lines)
    assert go(mixed, *words).status == 4
    expected = out.read_bytes(), (out.parent / "bad.jsonl").read_bytes()
    assert expected[1].count(b"\n") == 8
    out.unlink()
    (out.parent / "bad.jsonl").unlink()
    command = start("archetype", "-", "-o", out, *ECHO, *words)
    command.feed(b"".join(mixed[:30]))
    command.wait_until(lambda: done(out) == 6)
    command.kill()
    command.ends(-signal.SIGKILL)
    result = go(mixed, *words, "--resume")
    assert result.status == 4, result.err
    assert "8 skipped" in result.err
    assert (out.read_bytes(), (out.parent / "bad.jsonl").read_bytes()) == expected


@pytest.fixture
def archetypes(run, files):
    return run("archetype", files.items, *ECHO).out.splitlines(keepends=True)


def test_embed_goes_on_as_well(run, archetypes, tmp_path, done):
    words = ("embed", "-", "--backend", "echo", "--wave", 4, "--workers", 0, "-o")
    assert run(*words, tmp_path / "whole.h5", stdin=b"".join(archetypes)).status == 0
    out = tmp_path / "out.h5"
    run(*words, out, stdin=b"".join([*archetypes[:14], BROKEN])).fails(3, "stdin:15")
    assert done(out) == 3
    run(*words, out, stdin=b"".join(archetypes)).fails(1, "interrupted work")
    changed = [archetypes[0].replace(b"are", b"were"), *archetypes[1:]]
    run(*words, out, "--resume", stdin=b"".join(changed)).fails(3, "stdin:1: the input changed")
    run(*words, out, "--resume", "--dim", 7, stdin=b"".join(archetypes)).fails(2, "dim 384, now it is 7")
    result = run(*words, out, "--resume", stdin=b"".join(archetypes))
    assert result.status == 0, result.err
    assert "going on behind 3 waves done before" in result.err
    assert out.read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert names(tmp_path) == ["out.h5", "whole.h5"]


def test_embed_of_too_few_leaves_nothing_to_go_on_with(run, archetypes, tmp_path):
    words = ("embed", "-", *ECHO, "-o", tmp_path / "out.h5")
    run(*words, stdin=archetypes[0]).fails(3, "stdin: a projection needs two items or more, found 1")
    assert names(tmp_path) == []


def test_an_output_that_appears_meanwhile_is_kept_and_so_is_the_work(start, run, files, lines, tmp_path, out):
    words = ("archetype", "-", "-o", out, *ECHO, "--embeddings", tmp_path / "emb.h5")
    skip = ("--on-error", "skip", "--errors", tmp_path / "bad.jsonl")
    mixed = b"".join(with_bad_ones(lines))
    assert run(*words, *skip, stdin=mixed).status == 4
    made = [tmp_path / name for name in ("out.jsonl", "emb.h5", "bad.jsonl")]
    expected = [path.read_bytes() for path in made]
    for path in made:
        path.unlink()
    command = start(*words, *skip)
    command.wait_until((tmp_path / "out.jsonl.partial").exists)
    out.write_bytes(b"mine")
    said = command.ends(1, mixed)
    assert "exists already" in said
    assert out.read_bytes() == b"mine"
    out.unlink()
    result = run(*words, *skip, "--resume", stdin=mixed)
    assert result.status == 4, result.err
    kept = int(re.search(r"keeps (\d+) waves", said)[1])
    assert kept >= 8
    assert f"going on behind {kept} waves" in result.err, "what was skipped must still be there"
    assert [path.read_bytes() for path in made] == expected
    assert names(tmp_path) == ["bad.jsonl", "emb.h5", "out.jsonl"]


def test_work_of_which_nothing_is_kept_lets_no_output_exist_either(go, lines, tmp_path):
    """A kill before the first wave leaves a folder with the settings only."""
    (tmp_path / "out.jsonl.partial").mkdir()
    (tmp_path / "out.jsonl.partial" / "journal.jsonl").write_text('{"settings":{}}\n')
    (tmp_path / "emb.h5").write_text("mine")
    result = go(lines, "--embeddings", tmp_path / "emb.h5")
    result.fails(1, "emb.h5: exists already")
    assert "keeps" not in result.err, "it is said before the work"


@pytest.mark.parametrize("way", [(), ("--resume",), ("--force",)])
def test_a_second_writer_on_the_same_output_is_refused(start, go, lines, out, done, whole, way):
    first = start("archetype", "-", "-o", out, *ECHO)
    first.feed(b"".join(lines[:11]))
    first.wait_until(lambda: done(out) == 2)
    go(lines, *way).fails(1, "out.jsonl: another process is writing this output")
    first.ends(0, b"".join(lines[11:]))
    assert out.read_bytes() == whole


def test_the_journal_is_readable_json_with_the_settings_first(stopped, out):
    journal = out.with_name("out.jsonl.partial") / "journal.jsonl"
    head, *waves = [json.loads(line) for line in journal.read_bytes().splitlines()]
    assert head["settings"]["decoding"]["max_tokens"] == 48
    assert all(len(wave["key"]) == 64 for wave in waves)
