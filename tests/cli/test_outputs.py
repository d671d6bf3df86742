"""Where the output cannot go, the work does not begin; what is there already stays."""

import pytest

ECHO = ("--backend", "echo", "--workers", "0")
WRITERS = ["archetype", "embed", "calibrate", "train"]


def words_of(command, files):
    return {
        "archetype": ("archetype", files.items, *ECHO),
        "embed": ("embed", files.archetypes, *ECHO),
        "calibrate": ("calibrate", files.vectors, "-i", files.log, "--features", 50),
        "train": ("train", files.calibrated, "-i", files.log, "--epochs", 1),
    }[command]


@pytest.mark.parametrize("command", WRITERS)
def test_a_missing_input_is_named(run, files, tmp_path, command):
    words = [tmp_path / "none" if index == 1 else word for index, word in enumerate(words_of(command, files))]
    run(*words, "-o", tmp_path / "out").fails(1, "none: no such file")


@pytest.mark.parametrize("command", WRITERS)
def test_a_missing_output_folder_is_named_before_any_work(run, files, tmp_path, command):
    result = run(*words_of(command, files), "-o", tmp_path / "no" / "out")
    result.fails(1, str(tmp_path / "no"), "does not exist")


@pytest.mark.parametrize("command", WRITERS)
def test_an_existing_output_is_kept_unless_forced(run, files, tmp_path, command):
    out = tmp_path / "out"
    out.write_bytes(b"mine")
    run(*words_of(command, files), "-o", out).fails(1, "exists already", "--force")
    assert out.read_bytes() == b"mine"
    assert run(*words_of(command, files), "-o", out, "--force").status == 0
    assert out.stat().st_size > 100
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("command", WRITERS)
def test_a_full_device_is_an_error(run, files, command):
    run(*words_of(command, files), "-o", "/dev/full").fails(1, "No space left")


@pytest.mark.parametrize("command", WRITERS)
def test_an_output_that_is_a_folder_is_refused(run, files, tmp_path, command):
    run(*words_of(command, files), "-o", tmp_path).fails(1, "is a folder")


@pytest.mark.parametrize(
    "words",
    [
        ("train", "VECTORS", "-i", "LOG", "--epochs", 1, "-o"),
        ("train", "VECTORS", "-i", "LOG", "--epochs", 1, "-o", "OTHER", "--log"),
        ("eval", "MODEL", "-i", "LOG", "--ranks"),
        ("recommend", "MODEL", "-i", "LOG", "-o"),
        ("export", "MODEL", "--to", "word2vec", "-o"),
    ],
    ids=lambda words: f"{words[0]} {words[-1]}",
)
def test_a_full_device_is_named(run, files, tmp_path, words):
    known = {"VECTORS": files.vectors, "LOG": files.log, "MODEL": files.model, "OTHER": tmp_path / "other"}
    run(*(known.get(word, word) for word in words), "/dev/full").fails(
        1, "/dev/full: No space left on device"
    )
