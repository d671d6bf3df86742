"""No output takes the place of what the command reads, whatever --force allows."""

import shutil
from dataclasses import asdict, replace

import pytest

ECHO = ("--backend", "echo", "--workers", "0")
WORDS = {  # FILE is read, and written by the last option
    "archetype": ("items", ("archetype", "FILE", *ECHO, "-o")),
    "archetype, vectors": ("items", ("archetype", "FILE", *ECHO, "-o", "OTHER", "--embeddings")),
    "embed": ("archetypes", ("embed", "FILE", *ECHO, "-o")),
    "calibrate": ("vectors", ("calibrate", "FILE", "-i", "LOG", "-o")),
    "calibrate, log": ("log", ("calibrate", "VECTORS", "-i", "FILE", "-o")),
    "train": ("log", ("train", "VECTORS", "-i", "FILE", "--epochs", 1, "-o")),
    "train, log": ("log", ("train", "VECTORS", "-i", "FILE", "--epochs", 1, "-o", "OTHER", "--log")),
    "eval": ("log", ("eval", "MODEL", "-i", "FILE", "--ranks")),
    "recommend": ("model", ("recommend", "FILE", "-i", "LOG", "-o")),
    "recommend, skipped": ("log", ("recommend", "MODEL", "-i", "FILE", "--on-error", "skip", "--errors")),
    "export": ("model", ("export", "FILE", "--to", "npy", "-o")),
}


@pytest.fixture
def own(files, tmp_path):
    """Copies that a test may lose."""
    return replace(
        files, **{name: shutil.copy(path, tmp_path / path.name) for name, path in asdict(files).items()}
    )


@pytest.mark.parametrize("case", WORDS)
def test_an_output_that_is_an_input_is_refused(run, own, tmp_path, case):
    name, words = WORDS[case]
    known = {
        "FILE": getattr(own, name),
        "LOG": own.log,
        "VECTORS": own.vectors,
        "MODEL": own.model,
        "OTHER": tmp_path / "other",
    }
    link = tmp_path / "link"
    link.symlink_to(known["FILE"])
    before = known["FILE"].read_bytes()
    for output in (known["FILE"], link):
        result = run(*(known.get(word, word) for word in words), output, "--force")
        result.fails(2, f"{output} is an input: give the output a name of its own")
    assert known["FILE"].read_bytes() == before
    assert not known["OTHER"].exists()


@pytest.mark.parametrize("inside", ["", "in.jsonl"])
@pytest.mark.parametrize("case", WORDS)
def test_an_input_where_an_output_is_worked_on_is_refused(run, own, tmp_path, case, inside):
    """NAME.partial is emptied, and removed in the end."""
    name, words = WORDS[case]
    partial = tmp_path / "new.partial"
    if inside:
        partial.mkdir()
    source = shutil.move(getattr(own, name), partial / inside)
    known = {"FILE": source, "LOG": own.log, "VECTORS": own.vectors, "MODEL": own.model}
    before = source.read_bytes()
    words = [known.get(word, tmp_path / "other" if word == "OTHER" else word) for word in words]
    result = run(*words, tmp_path / "new", "--force")
    result.fails(2, f"{source} is where {tmp_path / 'new'} is worked on: give the output another name")
    assert source.read_bytes() == before


def test_a_folder_that_is_no_interrupted_work_stays(run, own, tmp_path):
    (tmp_path / "new.partial").mkdir()
    mine = tmp_path / "new.partial" / "thesis.txt"
    mine.write_text("three years")
    result = run("archetype", own.items, *ECHO, "-o", tmp_path / "new", "--force")
    result.fails(1, "new.partial is in the way, and not interrupted work: move it")
    assert mine.read_text() == "three years"
    assert not (tmp_path / "new").exists()


def test_a_demo_replaces_a_demo_and_nothing_else(run, tmp_path):
    (tmp_path / "vectors.h5").touch()
    mine = tmp_path / "thesis.txt"
    mine.write_text("three years")
    run("demo", "-o", tmp_path, "--force", "--backend", "echo").fails(
        1, f"{mine}: is not of a demo, and will not be removed: move it"
    )
    assert mine.read_text() == "three years"
    assert (tmp_path / "vectors.h5").exists()


def test_a_catalogue_of_ones_own_is_no_demo_by_its_name(run, tmp_path):
    mine = tmp_path / "items.jsonl"
    mine.write_text('{"item_id":"mine"}\n')
    run("demo", "-o", tmp_path, "--force", "--backend", "echo").fails(1, f"{mine}: is not of a demo")
    assert mine.exists()


def test_a_demo_that_cannot_be_made_replaces_none(run, tmp_path, monkeypatch):
    vectors = tmp_path / "vectors.h5"
    vectors.touch()
    run("demo", "-o", tmp_path, "--force", "--backend", "nosuch").fails(2, "nosuch")
    monkeypatch.chdir(tmp_path)
    run("demo", "-o", ".", "--force", "--backend", "echo").fails(1, "is where you are: name another folder")
    assert vectors.exists()


def test_import_refuses_it_too(run, tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_bytes(b'{"user_id":"u","item_id":"i"}\n')
    result = run("import", "table", log, "--items", tmp_path / "items", "--interactions", log, "-f")
    result.fails(2, "log.jsonl is an input")


def test_a_file_with_the_name_of_stdout_is_another(run, own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(own.log, "-")
    result = run("recommend", own.model, "-i", own.log, "-o", "-")
    assert result.status == 0, result.err
    assert result.rows
