"""How a server's model is made to begin its answer with the prime, and how the prime is found again.

A last message of the assistant would be the natural way, but is no part of the interface: some servers go
on with it, some want switches of their own, OpenAI's and llama-cpp-python's begin a new turn. So the wish
is told in words at the end of the user's message, and the answer is looked at.
"""

import re

from genair.records import ChatPrompt

_THOUGHTS = re.compile(r"\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_MARKS = "\"'“”‘’«»*_`"
_PUNCTUATION = ",.;:!?…)]}—–-"


def messages_of(prompt: ChatPrompt) -> list[dict[str, str]]:
    """Return the messages to send: the system's only if there is one, and the user's."""
    wish = f'\nBegin your answer with: "{prompt.prime}"' if prompt.prime.strip() else ""
    user = {"role": "user", "content": prompt.user + wish}
    return [{"role": "system", "content": prompt.system}, user] if prompt.system else [user]


def after_prime(answer: str, prime: str) -> tuple[str, bool]:
    """Return the text that follows the prime, and whether it follows it.

    Thoughts between <think> and </think> are no part of an answer. The prime is found whatever its case,
    its spaces and the quotation marks or asterisks around it; what follows begins with a space unless it
    begins with punctuation. An answer that goes its own way is returned whole.

    Args:
        answer: what the model wrote.
        prime: what it was to begin with.
    """
    text = _THOUGHTS.sub("", answer, count=1).strip()
    words = prime.split()
    if not words:
        return text, True
    end = r"(?!\w)" if words[-1][-1].isalnum() else ""
    pattern = rf"(?P<open>[{_MARKS}\s]*)" + r"\s+".join(map(re.escape, words)) + end
    found = re.match(pattern, text, re.IGNORECASE)
    if found is None:
        return text, False
    rest = _unquoted(text[found.end() :], found["open"].strip())
    return (rest if not rest or rest[0] in _PUNCTUATION else f" {rest}"), True


def _unquoted(rest: str, marks: str) -> str:
    """Drop the closing marks of those that were opened before the prime: right behind it, or at the end."""
    if not marks:
        return rest.strip()
    closed_here = rest.lstrip(_MARKS)
    return (closed_here if closed_here != rest else rest.rstrip(f"{_MARKS} ")).strip()
