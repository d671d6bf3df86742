"""A model's own chat format, found by rendering its Jinja template around marks.

What lies between the marks is the format; what items say never goes through the template. A template that
knows no system message gets it before the user's. Templates that tell the date are told a fixed one, and
those that let a model think aloud first are told not to: an answer is the archetype and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jinja2

from genair.errors import UsageError

Messages = Sequence[Mapping[str, str]]
_DAY = "26 Jul 2024"  # what Llama's template says where nobody tells it
_SYSTEM, _USER = "GENAIRSYSTEMGENAIR", "GENAIRUSERGENAIR"
_WAYS: tuple[Messages, ...] = (
    ({"role": "system", "content": _SYSTEM}, {"role": "user", "content": _USER}),
    ({"role": "user", "content": f"{_SYSTEM}\n\n{_USER}"},),
)
TEMPLATE_SETTINGS: Mapping[str, Any] = {"date_string": _DAY, "enable_thinking": False}
TEMPLATE_PRELUDE = f"{{%- macro strftime_now(format) -%}}{_DAY}{{%- endmacro -%}}"


def chat_frame(render: Callable[[Messages], str], name: str) -> tuple[str, str, str]:
    """Return what stands before the system message, before the user's, and after it.

    Args:
        render: applies the template, with the prompt for an answer at the end.
        name: the model's, for the error.

    Raises:
        UsageError: the template takes no such messages.
    """
    reason = "it leaves them out"
    for messages in _WAYS:
        try:
            rendered = render(messages)
        except jinja2.TemplateError as error:
            reason = str(error).partition("\n")[0]
            continue
        head, found_system, rest = rendered.partition(_SYSTEM)
        middle, found_user, tail = rest.partition(_USER)
        if found_system and found_user:
            return head, middle, tail
    raise UsageError(f"the chat template of model {name} takes no user message ({reason})")
