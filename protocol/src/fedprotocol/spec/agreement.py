"""Whether a spec is the one that a contract was deployed with."""

from typing import Protocol

from fedprotocol.errors import FedError
from fedprotocol.spec.document import Spec


class SpecMismatch(FedError):
    """The spec is not the one that the contract was deployed with."""

    needs_person = True


class ContractTerms(Protocol):
    """What the spec and the contract's configuration both contain (`fedprotocol.types.FederationConfig`)."""

    @property
    def spec_digest(self) -> bytes: ...
    @property
    def genesis_root(self) -> bytes: ...
    @property
    def leaf_count(self) -> int: ...
    @property
    def leaf_values(self) -> int: ...
    @property
    def mantissa_bits(self) -> int: ...
    @property
    def max_shift(self) -> int: ...
    @property
    def server_lr(self) -> int: ...
    @property
    def total_rounds(self) -> int: ...


def check_against(spec: Spec, digest: bytes, config: ContractTerms) -> None:
    """Raise SpecMismatch, naming the fields, unless spec and contract agree in everything that both contain.

    `digest` is `spec_digest` of the bytes that `spec` was loaded from.
    """
    pairs: list[tuple[str, bytes | int, bytes | int]] = [
        ("spec_digest", digest, config.spec_digest),
        ("genesis_root", bytes.fromhex(spec.genesis_root[2:]), config.genesis_root),
        ("leaf_count", spec.layout.leaf_count, config.leaf_count),
        ("leaf_values", spec.layout.leaf_values, config.leaf_values),
        ("mantissa_bits", spec.layout.mantissa_bits, config.mantissa_bits),
        ("max_shift", spec.bounds.max_shift, config.max_shift),
        ("server_lr", spec.server_lr, config.server_lr),
        ("total_rounds", spec.training.rounds, config.total_rounds),
    ]
    different = [
        f"{name}: {_show(ours)} in the spec, {_show(theirs)} in the contract"
        for name, ours, theirs in pairs
        if ours != theirs
    ]
    if different:
        raise SpecMismatch("the spec is not the contract's; take the one it names:\n  " + "\n  ".join(different))


def _show(value: bytes | int) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
