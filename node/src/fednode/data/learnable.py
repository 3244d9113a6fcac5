"""Whether a value is text that can be learned from."""


def not_text(name: str, value: object) -> str | None:
    """What is wrong with the value of `name` if it is no text that UTF-8 can hold."""
    if not isinstance(value, str):
        return f"{name} is not text but {type(value).__name__}"
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return f"{name} holds half a surrogate pair, which is no character"
    return None


def no_words(name: str, value: object) -> str | None:
    """What is wrong with the value of `name`, which must be text and not blank."""
    if value is None:
        return f"has no {name}"
    return not_text(name, value) or (None if str(value).strip() else f"{name} is empty")
