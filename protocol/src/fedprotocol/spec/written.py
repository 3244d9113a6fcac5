"""A spec as bytes: strictly read, written in one way only, and named by its digest."""

import hashlib

from pydantic import ValidationError
from pydantic_core import from_json

from fedprotocol.complaints import complaints
from fedprotocol.errors import FedError
from fedprotocol.foreign_errors import in_a_line
from fedprotocol.printable import json_text, printable
from fedprotocol.spec.document import FIELDS_IN_ORDER, Spec

MAX_SPEC_BYTES = 1 << 20
"""The largest block that IPFS nodes exchange without asking."""

_MOST_NAMED = 50  # wrong fields
_LONGEST = 400  # most characters about one of them


class SpecError(FedError):
    """Not a valid spec; the message names every field that is wrong."""


def load_spec(data: bytes) -> Spec:
    """Parse and check a document. Raises SpecError, which names the wrong fields and says what each should be."""
    if len(data) > MAX_SPEC_BYTES:
        raise SpecError(f"a spec has at most {MAX_SPEC_BYTES} bytes, not {len(data)}")
    try:
        # `model_validate_json` is not used, because its errors hold a copy of the surrounding value for every missing
        # field.
        return Spec.model_validate(from_json(data, allow_inf_nan=False))
    except ValidationError as error:
        wrong = _complaint(error)
    except ValueError as error:
        wrong = f"this spec is not JSON: {error}"
    except Exception as error:  # any exception that pydantic lets through
        wrong = f"this spec cannot be read: {in_a_line(error)}"
    # raised outside the handler, because a kept error of pydantic keeps everything that it refers to
    raise SpecError(wrong)


def dump_spec(spec: Spec) -> bytes:
    """The canonical document: UTF-8, two spaces of indentation, fields in the order of `FIELDS_IN_ORDER` and, inside
    each part, of its model, and a final newline. Characters that `printable` would write out become JSON escapes."""
    fields = spec.model_dump(mode="json")
    return (json_text({name: fields[name] for name in FIELDS_IN_ORDER if name in fields}, indent=2) + "\n").encode()


def spec_digest(data: bytes) -> bytes:
    """sha2-256 of the document's bytes. `tree.raw_cid` of it is the document's address on IPFS."""
    return hashlib.sha256(data).digest()


def _complaint(error: ValidationError) -> str:
    count = error.error_count()
    if count > _MOST_NAMED:  # a document of a megabyte can have a hundred thousand wrong fields
        return f"this is no spec: {count} of its fields are wrong or unknown"
    lines = [printable(line, _LONGEST) for line in complaints(error, "document")]
    return "this spec is not valid:\n  " + "\n  ".join(lines)
