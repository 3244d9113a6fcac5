"""The contracts' code on a chain: known if every byte is this version's and the address says what made it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rlp
from eth_account import Account
from eth_utils.address import to_checksum_address
from fedaggregator.rules import RULES
from fedprotocol.chain.errors import ChainError
from fedprotocol.chain.read.code import OWN_ADDRESS, Blank, Shipped, code_hash, libraries_in, shipped
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.creation import DEPLOYER, DEPLOYER_MAKER, DEPLOYER_TRANSACTION, init_code, made_at, was_made
from fedprotocol.chain.read.trust import ForeignCode, Part, examine, foreign, require_known, warnings
from fedprotocol.config import ChainConfig
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil, compiled
from web3 import Web3

OWN, LIBRARY = "0x" + 20 * "ab", "0x" + 20 * "cd"
IPFS_DIGEST = slice(-43, -11)  # in solc's metadata


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil() as chain:
        yield chain


@pytest.fixture(scope="module")
def federation(chain: Anvil) -> Deployed:
    gate = chain.deploy("AllowlistGate", chain.accounts[0], [])
    return Deployed.on(chain, gate=gate.address)


def set_code(chain: Anvil, address: str, code: bytes) -> None:
    chain.rpc("anvil_setCode", address, "0x" + code.hex())


def code_at(chain: Anvil, address: str) -> bytes:
    return bytes(chain.web3.eth.get_code(to_checksum_address(address)))


@pytest.fixture
def changed(chain: Anvil, federation: Deployed) -> Iterator[Any]:
    """Changes the code at an address until the end of the test."""
    before: dict[str, bytes] = {}

    def change(address: str, code: bytes) -> Coordinator:
        before.setdefault(address, code_at(chain, address))
        set_code(chain, address, code)
        return federation.coordinator()

    yield change
    for address, code in before.items():
        set_code(chain, address, code)


def settings(federation: Deployed, **changes: Any) -> ChainConfig:
    fields = {"rpc": (federation.chain.url,), "chain_id": CHAIN_ID, "coordinator": federation.contract.address}
    return ChainConfig.model_validate({**fields, **changes})


# ------------------------------------------------------------------ the comparison


def test_everything_that_a_federation_needs_is_shipped() -> None:
    roles = {name: contract.role for name, contract in shipped().items()}
    assert roles["FederationCoordinator"] == "coordinator" and roles["Disputes"] == "disputes"
    assert roles["AllowlistGate"] == "gate"
    assert {name for name, role in roles.items() if role == "rule"} == {rule.contract for rule in RULES.values()}
    assert all(contract.constructor or contract.role == "gate" for contract in shipped().values())


@pytest.mark.parametrize("name", ["Disputes", "FedAvg", "AllowlistGate"])
def test_one_bit_anywhere_is_found_and_other_metadata_is_not_looked_at(name: str) -> None:
    code = bytes.fromhex(compiled(name)["bin-runtime"])
    contract = shipped()[name]
    assert libraries_in(code, OWN, contract) == {}
    for place in range(0, contract.length, 7):
        bent = bytearray(code)
        bent[place] ^= 1
        assert libraries_in(bytes(bent), OWN, contract) is None, place
    digest = bytearray(code)
    digest[IPFS_DIGEST] = bytes(32)
    without, none = code[: contract.length], b"\xa1\x64solc\x43\x00\x08\x1c\x00\x0a"
    for accepted in (bytes(digest), without, without + none):
        assert libraries_in(accepted, OWN, contract) == {}
    hidden = b"\x5b" + b"\x00" * 20
    for refused in (
        b"",
        without[:-1],
        without + hidden,
        code + code[-53:],
        without + b"\xa1" + bytes(300) + b"\x01\x2d",
    ):
        assert libraries_in(refused, OWN, contract) is None


def test_what_a_deployment_fills_in() -> None:
    """A library's code holds its own address; whoever uses one holds the same address wherever it does."""
    template = b"\x73" + bytes(20) + b"\x30\x14\x60\x73" + bytes(20) + b"\x5a\x73" + bytes(20) + b"\xf4"
    blanks = (Blank(1, 20, OWN_ADDRESS), Blank(25, 20, "Sums"), Blank(47, 20, "Sums"))
    contract = Shipped("A", "library", len(template), blanks, bytes(Web3.keccak(template)), b"\x60", ())

    def filled(own: str, first: str, second: str) -> bytes:
        a, b, c = (bytes.fromhex(address[2:]) for address in (own, first, second))
        return template[:1] + a + template[21:25] + b + template[45:47] + c + template[67:]

    assert libraries_in(filled(OWN, LIBRARY, LIBRARY), OWN, contract) == {"Sums": to_checksum_address(LIBRARY)}
    assert libraries_in(filled(LIBRARY, LIBRARY, LIBRARY), OWN, contract) is None
    assert libraries_in(filled(OWN, LIBRARY, OWN), OWN, contract) is None
    made_of = init_code(contract, filled(OWN, LIBRARY, LIBRARY), {"Sums": LIBRARY}, b"")
    assert made_of == b"\x60" + filled("0x" + 40 * "0", LIBRARY, LIBRARY), "what makes a library holds no address yet"


# -------------------------------------------------------------------- on a chain


def test_a_federation_of_this_version_is_known(federation: Deployed) -> None:
    coordinator = federation.coordinator()
    parts = examine(coordinator)
    roles = [part.role for part in parts if part.role != "library"]
    assert roles == ["coordinator", "disputes", "rule", "gate"]
    assert all(part.is_known for part in parts), parts
    require_known(coordinator, settings(federation))


@pytest.mark.parametrize("role", ["coordinator", "disputes", "rule", "gate"])
def test_one_other_byte_is_refused_unless_the_config_names_the_code(
    role: str, chain: Anvil, federation: Deployed, changed: Any
) -> None:
    [part] = [part for part in examine(federation.coordinator()) if part.role == role]
    code = bytearray(code_at(chain, part.address))
    code[shipped()[part.contract or ""].length - 1] ^= 1  # nothing runs it: all still answer
    coordinator = changed(part.address, bytes(code))
    with pytest.raises(ForeignCode) as refused:
        require_known(coordinator, settings(federation))
    assert [p.role for p in refused.value.parts] == [role]
    hash_ = code_hash(bytes(code))
    for word in (role, part.address, hash_, f'trusted_code = ["{hash_}"]'):
        assert word in str(refused.value)
    require_known(coordinator, settings(federation, trusted_code=[hash_.upper().replace("0X", "0x")]))
    assert [p.role for p in examine(coordinator, [hash_]) if p.named] == [role]


def test_proxies_and_accounts_are_nobodys_code(chain: Anvil, federation: Deployed, changed: Any) -> None:
    disputes = federation.coordinator().config().disputes
    target = bytes.fromhex(chain.deploy("Disputes").address[2:])
    clone = bytes.fromhex("363d3d373d3d3d363d73") + target + bytes.fromhex("5af43d82803e903d91602b57fd5bf3")
    for code, can_be_trusted in ((clone, True), (bytes.fromhex("ef0100") + target, False), (b"", False)):
        coordinator = changed(disputes, code)
        config = settings(federation, trusted_code=[code_hash(code)])
        with pytest.raises(ForeignCode, match="disputes contract at"):
            require_known(coordinator, settings(federation))
        if can_be_trusted:
            require_known(coordinator, config)
        else:
            with pytest.raises(ForeignCode, match="can change its code at any time"):
                require_known(coordinator, config)


def test_what_an_unknown_coordinator_says_is_not_asked_for(chain: Anvil, federation: Deployed) -> None:
    fake = chain.deploy("FakeCoordinator", federation.contract.address)
    [part] = examine(Coordinator(chain.web3, fake.address, CHAIN_ID))
    assert (part.role, part.contract, part.is_trusted) == ("coordinator", None, False)


@pytest.mark.parametrize("name", ["FederationCoordinator", "Disputes"])
def test_this_versions_code_that_another_constructor_returned(name: str, chain: Anvil) -> None:
    """It stores one thing more, such as a debt to its author, and returns the very same code."""
    federation = Deployed.on(chain)
    artifact, role = compiled(name), shipped()[name].role
    runtime = bytes.fromhex(artifact["bin-runtime"])
    stores, returns = bytes.fromhex("602a606455"), bytes.fromhex(f"61{len(runtime):04x}80600f5f395ff3")
    made = chain.web3.eth.wait_for_transaction_receipt(
        chain.web3.eth.send_transaction({"from": chain.accounts[0], "data": stores + returns + runtime})
    )
    assert code_at(chain, made["contractAddress"]) == runtime
    if name == "Disputes":
        federation = Deployed.on(chain, disputes=made["contractAddress"])
        coordinator = federation.coordinator()
    else:
        coordinator = Coordinator(chain.web3, made["contractAddress"], CHAIN_ID)
    [part] = [part for part in examine(coordinator) if part.role == role]
    assert (part.contract, part.made, part.is_trusted) == (name, False, False)
    assert "does not show that this version's constructor made it" in str(part)
    assert all(p.is_trusted for p in examine(coordinator, [part.hash]) if p.role == role)


def test_an_address_says_what_made_it(chain: Anvil) -> None:
    first, second = chain.deploy("Disputes"), chain.deploy("Disputes")
    code = bytes.fromhex(compiled("Disputes")["bin"])
    assert was_made(first.address, code) and was_made(second.address, code) and first.address != second.address
    assert not was_made(first.address, code + bytes(32))
    assert code_at(chain, DEPLOYER), "anvil has it from the start"
    assert made_at(0, code) != made_at(1, code)
    assert Account.recover_transaction(DEPLOYER_TRANSACTION) == DEPLOYER_MAKER
    created = Web3.keccak(rlp.encode([bytes.fromhex(DEPLOYER_MAKER[2:]), 0]))[-20:]
    assert to_checksum_address(created) == DEPLOYER


def test_readers_are_warned_and_the_verdict_is_kept(
    chain: Anvil, federation: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(federation)
    assert warnings(federation.coordinator(), config, tmp_path) == []
    disputes = federation.coordinator().config().disputes
    other = Deployed.on(chain, disputes=chain.deploy("DisputesMock").address)
    theirs = settings(other)
    [said] = warnings(other.coordinator(), theirs, tmp_path / "new")
    assert "disputes contract at" in said and disputes not in said
    with monkeypatch.context() as asked:
        asked.setattr("fedprotocol.chain.read.trust.examine", lambda *_: pytest.fail("asked again"))
        assert warnings(other.coordinator(), theirs, tmp_path / "new") == [said]
    [known] = examine(other.coordinator())[1:2]
    trusting = settings(other, trusted_code=[known.hash])
    assert warnings(other.coordinator(), trusting, tmp_path / "new") == []
    (tmp_path / "new/code.json").write_text(json.dumps([1]))
    assert warnings(other.coordinator(), theirs, tmp_path / "new") == [said]


def test_hashes_in_a_config() -> None:
    fields = {"rpc": ["http://localhost:1"], "chain_id": 1, "coordinator": DEPLOYER}
    for wrong in ("0x12", "no hash", "0x" + 63 * "0", "0x" + 63 * "0" + "g"):
        with pytest.raises(ValueError, match="keccak-256"):
            ChainConfig.model_validate({**fields, "trusted_code": [wrong]})


def test_words() -> None:
    part = Part("rule", OWN, "0x12", None, made=False, named=False, fixed=True)
    assert foreign([part, replace(part, named=True)]) == [part]
    assert isinstance(ForeignCode([part]), ChainError) and "Nothing was put" in str(ForeignCode([part]))
