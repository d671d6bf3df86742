"""Equal inputs and settings give equal bytes, however the input is spelled."""

import gzip
import json

import pytest

from genair.io.embeddings import read_table

ECHO = ("--backend", "echo")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_run_gives_the_same_bytes_at_every_stage(run, files, tmp_path, workers):
    arch, emb = tmp_path / "arch.jsonl", tmp_path / "emb.h5"
    cal, model = tmp_path / "cal.h5", tmp_path / "model.h5"
    many = ("--workers", workers)
    assert run("archetype", files.items, "-o", arch, *ECHO, *many).status == 0
    assert arch.read_bytes() == files.archetypes.read_bytes()
    assert run("embed", arch, "-o", emb, *ECHO, *many).status == 0
    assert emb.read_bytes() == files.vectors.read_bytes()
    if workers > 1:
        return
    small = ("--dim", 16)
    assert run("calibrate", emb, "-i", files.log, "-o", cal, "--features", 50, *small).status == 0
    assert cal.read_bytes() == files.calibrated.read_bytes()
    assert run("train", cal, "-i", files.log, "-o", model, "--epochs", 2, *small).status == 0
    assert model.read_bytes() == files.model.read_bytes()


def test_bom_crlf_gzip_and_stdin_change_nothing(run, files, tmp_path):
    plain = files.items.read_bytes()
    dressed = b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n")
    expected = files.archetypes.read_bytes()
    assert run("archetype", *ECHO, "--workers", 1, stdin=dressed).out == expected
    (tmp_path / "items.jsonl.gz").write_bytes(gzip.compress(plain))
    out = tmp_path / "out.jsonl.gz"
    assert run("archetype", tmp_path / "items.jsonl.gz", *ECHO, "--workers", 1, "-o", out).status == 0
    assert gzip.decompress(out.read_bytes()) == expected


def test_a_gzip_file_cut_in_the_middle_is_an_error(run, files, tmp_path):
    packed = gzip.compress(files.items.read_bytes())
    (tmp_path / "items.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    result = run("archetype", tmp_path / "items.jsonl.gz", *ECHO, "-o", tmp_path / "out.jsonl")
    assert result.status == 3
    assert "damaged or cut off" in result.err


STRANGE = ["007", " 7 ", "7", str(2**60), "é", "\u2028", "🙂", "a/b", "x" * 300, "nan"]


def test_strange_ids_survive_every_stage(run, tmp_path):
    items = "".join(
        json.dumps(
            {"item_id": one, "title": f"Thing {n} for {'cooks' if n % 2 else 'hikers'}\u2028x"},
            ensure_ascii=False,
        )
        + "\n"
        for n, one in enumerate(STRANGE)
    )
    log = "".join(
        json.dumps({"user_id": f"u{u}", "item_id": STRANGE[(u + t) % 10], "timestamp": t}, ensure_ascii=False)
        + "\n"
        for u in range(12)
        for t in range(5)
    )
    (tmp_path / "log.jsonl").write_text(log, encoding="utf-8", newline="\n")
    arch = run("archetype", *ECHO, "--workers", 1, stdin=items.encode())
    assert [row["item_id"] for row in arch.rows] == STRANGE
    words = ("-i", tmp_path / "log.jsonl", "-o")
    assert run("embed", "-o", tmp_path / "emb.h5", *ECHO, "--workers", 1, stdin=arch.out).status == 0
    assert run("calibrate", tmp_path / "emb.h5", *words, tmp_path / "cal.h5", "--features", 50).status == 0
    table = read_table(tmp_path / "cal.h5", "cal.h5")
    assert list(table.item_ids) == STRANGE
    assert run("train", tmp_path / "cal.h5", *words, tmp_path / "m.h5", "--epochs", 1).status == 0
    assert run("eval", tmp_path / "m.h5", "-i", tmp_path / "log.jsonl").rows[0]["users"] == 12


def test_the_order_of_items_and_of_users_does_not_move_vectors_to_other_items(run, files, tmp_path):
    """Training on shuffled tables must mean the same: rows are joined by id, never by position."""
    log = files.log.read_bytes().split(b"\n")[:-1]
    by_user = sorted(log, key=lambda line: json.loads(line)["user_id"], reverse=True)
    (tmp_path / "log.jsonl").write_bytes(b"\n".join(by_user) + b"\n")
    same = run("eval", files.model, "-i", files.log).rows
    assert run("eval", files.model, "-i", tmp_path / "log.jsonl").rows == [
        {**row, "value": pytest.approx(row["value"]), "stderr": pytest.approx(row["stderr"])} for row in same
    ]


def test_train_on_ids_alone_needs_no_vectors(run, files, tmp_path):
    model = tmp_path / "id.h5"
    result = run(
        "train", "-i", "-", "--items", "id", "-o", model, "--epochs", 1, stdin=files.log.read_bytes()
    )
    assert result.status == 0, result.err
    assert run("eval", model, "-i", files.log).status == 0


def test_settings_change_the_archetypes(run, files):
    base = run("archetype", files.items, *ECHO, "-n", 3, "--workers", 1).rows
    assert len(base) == 3
    for words in (
        ("--item-type", "gadget"),
        ("--fields", "title"),
        ("--max-field-chars", 5),
        ("--prompt", "paper"),
        ("--max-tokens", 5),
        ("--temperature", 0.5),
        ("--temperature", 0.5, "--seed", 1),
        ("--repeat-penalty", 1.3),
        ("--wave", 2),
        ("--parallel", 2),
    ):
        assert run("archetype", files.items, *ECHO, "-n", 3, "--workers", 1, *words).rows != base, words
