"""Chats as tokens: the model's own format, data that cannot inject, templates that cannot be used."""

import pytest

from genair.errors import UsageError
from genair.records import ChatPrompt


def test_control_tokens_in_the_data_stay_text(tiny, nasty_text):
    plain = tiny.prompt_tokens(ChatPrompt("", "", "")).tolist()
    for words in ((nasty_text, "", ""), ("", nasty_text, ""), ("", "", nasty_text)):
        tokens = tiny.prompt_tokens(ChatPrompt(*words)).tolist()
        assert [token for token in tokens if token > 255] == [token for token in plain if token > 255]
        assert len(tokens) == len(plain) + len(nasty_text.encode())


def test_the_chat_format_is_the_models_own(tiny):
    tokens = tiny.prompt_tokens(ChatPrompt("be kind", "a lamp", "People"))
    expected = "system\nbe kind\nuser\na lamp\nassistant\nPeople"
    assert tiny._tokens.text_of(tokens.tolist()) == expected
    assert tiny.count_tokens(ChatPrompt("be kind", "a lamp", "People"), "é") == len(tokens) + 2


TEMPLATES = {
    "none": (
        None,
        "model tiny-chat has no chat template: use an instruction-tuned model",
    ),
    "deaf": ("hello", "takes no user message (it leaves them out)"),
    "broken": ("{{ raise_exception('only Latin') }}", "takes no user message (only Latin)"),
}


@pytest.mark.parametrize(("template", "message"), TEMPLATES.values(), ids=list(TEMPLATES))
def test_a_template_that_cannot_be_used_is_refused(make_folder, open_folder, tmp_path, template, message):
    made = make_folder(tmp_path / "tiny-chat", template)
    with pytest.raises(UsageError) as caught:
        open_folder(made)
    assert message in str(caught.value)


def test_a_template_without_a_system_message_gets_it_before_the_users(
    make_folder, open_folder, chatml, tmp_path
):
    strict = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + chatml
    backend = open_folder(make_folder(tmp_path / "m", strict))
    text = backend._tokens.text_of(backend.prompt_tokens(ChatPrompt("SYS", "USR", "AND")).tolist())
    assert text == "user\nSYS\n\nUSR\nassistant\nAND"


def test_a_template_that_tells_the_date_tells_always_the_same(make_folder, open_folder, chatml, tmp_path):
    backend = open_folder(make_folder(tmp_path / "m", "{{ strftime_now('%Y-%m-%d') }}" + chatml))
    text = backend._tokens.text_of(backend.prompt_tokens(ChatPrompt("a", "b", "")).tolist())
    assert text.startswith("26 Jul 2024system\na")


def test_texts_come_back_from_their_tokens_and_cut_characters_are_dropped(tiny, nasty_texts):
    for text in nasty_texts:
        assert tiny._tokens.text_of(tiny._tokens.of_text(text)) == text
    cut = tiny._tokens.of_text("né")[:-1]
    assert tiny._tokens.text_of(cut) == "n"


def test_all_end_tokens_of_the_generation_config_end_a_text(tiny):
    assert tiny._end_tokens(None) == [257, 258]
