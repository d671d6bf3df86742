"""`--dry-run`, `--preset` and `--shard`: what is asked, with which settings, of which items."""

import json

import pytest

ECHO = ("--backend", "echo", "--workers", "0")


def test_a_dry_run_shows_prompts_and_an_estimate_and_writes_nothing(run, files, tmp_path):
    done = run("archetype", files.items, *ECHO, "--dry-run", "-o", tmp_path / "arch.jsonl")
    assert done.status == 0
    first = json.loads(files.items.read_bytes().split(b"\n")[0])
    assert len(done.rows) == 3
    assert done.rows[0]["item_id"] == first["item_id"]
    assert first["title"] in done.rows[0]["prompt"]
    assert done.rows[0]["prompt_tokens"] > len(done.rows[0]["prompt"].split())
    assert "tokens/s" in done.err
    assert "for 40 items" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_a_pipe_knows_no_total(run, files):
    done = run("archetype", *ECHO, "--dry-run", stdin=files.items.read_bytes())
    assert done.status == 0
    assert len(done.rows) == 3
    assert "items" not in done.err.partition("tokens/s")[2]


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_a_dry_run_of_nothing_is_an_error(run, content):
    done = run("archetype", *ECHO, "--dry-run", stdin=content)
    assert done.status == 3
    assert "the input is empty" in done.err


def decoding(run, files, *words):
    return run("archetype", files.items, *ECHO, "-n", "1", *words).rows[0]["_pg"]["decoding"]


def test_a_preset_sets_what_nobody_gave(run, files):
    paper = decoding(run, files, "--preset", "paper")
    assert paper == {"max_tokens": 512, "temperature": 0.6, "top_p": 0.9, "top_k": 0, "repeat_penalty": 1.2}
    assert decoding(run, files, "--preset", "paper", "--max-tokens", "64")["max_tokens"] == 64
    # the default's own value, given by hand, is no less given
    assert decoding(run, files, "--preset", "paper", "--repeat-penalty", "1.1")["repeat_penalty"] == 1.1


def test_a_preset_brings_its_prompt(run, files):
    shown = run("archetype", files.items, *ECHO, "-n", "1", "--preset", "paper").rows[0]
    assert shown["_pg"]["prompt"]["name"] == "paper"
    assert run("archetype", files.items, *ECHO, "--preset", "no-such").status == 2


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", "1/2/3"])
def test_a_shard_that_is_none_is_refused(run, files, shard):
    done = run("archetype", files.items, *ECHO, f"--shard={shard}")
    assert done.status == 2
    assert "--shard must be I/N" in done.err


def test_a_shard_needs_a_file(run, files):
    done = run("archetype", *ECHO, "--shard", "1/2", stdin=files.items.read_bytes())
    assert done.status == 2
    assert "--shard needs a file" in done.err


def test_a_dry_run_is_of_what_the_run_would_be_of(run, files):
    done = run("archetype", *ECHO, "--dry-run", "-n", 1, stdin=files.items.read_bytes())
    assert len(done.rows) == 1
    done = run("archetype", files.items, *ECHO, "--dry-run", "--shard", "2/4")
    assert "for 10 items" in done.err
