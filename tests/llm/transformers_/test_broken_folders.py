"""Model folders that lack something or are damaged, each refused in a line that names it."""

import json
import shutil

import pytest

from genair.errors import InputError, UsageError


def damage(folder, name, data):
    (folder / name).write_bytes(data)


DAMAGE = {
    "no config": lambda folder: (folder / "config.json").unlink(),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "cut weights": lambda folder: damage(
        folder, "model.safetensors", (folder / "model.safetensors").read_bytes()[:5000]
    ),
    "garbage config": lambda folder: damage(folder, "config.json", b"{"),
    "unknown kind": lambda folder: damage(folder, "config.json", b'{"model_type": "abacus"}'),
}


@pytest.mark.parametrize("break_it", DAMAGE.values(), ids=list(DAMAGE))
def test_a_damaged_folder_is_an_input_error_that_names_it(open_folder, folder, tmp_path, break_it):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    break_it(broken)
    with pytest.raises(InputError) as caught:
        open_folder(broken)
    assert str(broken) in str(caught.value.where)
    assert "\n" not in caught.value.message


def test_weights_that_are_missing_are_not_made_up(open_folder, folder, tmp_path):
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    weights = load_file(broken / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"lacks weights: model\.layers\.1\.mlp\.up_proj\.weight"):
        open_folder(broken)


def test_layers_that_are_no_attention_are_refused(open_folder, folder, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    config = json.loads((other / "config.json").read_text())
    config["layer_types"] = ["full_attention", "chunked_attention"]
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises((UsageError, InputError), match="attention"):
        open_folder(other)
