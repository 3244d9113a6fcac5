"""Policies of a site, and entries of its log, as one site would have them."""

from __future__ import annotations

import json
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from fednode.policy.document import Policy, PolicyFile
from fednode.policy.entries import Approved, Left
from fednode.policy.verdict import Practice
from fedprotocol.chain.account.message import sign_text

KEY: LocalAccount = Account.from_key(bytes([7]) * 32)
COORDINATOR = Account.from_key(bytes([8]) * 32).address
PEERS = tuple(sorted(Account.from_key(bytes([n]) * 32).address for n in (11, 12, 13)))
SPEC = "0x" + 32 * "5a"
PRACTICE = Practice(5, COORDINATOR, KEY.address, SPEC, "public")


def policy_text(spec: str = SPEC, **changes: Any) -> str:
    """A policy that allows one federation in public mode; `changes` are further keys of it."""
    allowance = {"spec": spec, "modes": ["public"], **changes}
    keys = [f"{key} = {json.dumps(value)}" for key, value in allowance.items()]  # JSON's values are TOML's too
    return "\n".join(["version = 1", 'site = "A hospital"', "[[federation]]", *keys, ""])


def policy_file(spec: str = SPEC, **changes: Any) -> PolicyFile:
    text = policy_text(spec, **changes)
    allowance = {"spec": spec, "modes": ["public"], **changes}
    return PolicyFile(Policy.model_validate({"version": 1, "site": "A hospital", "federation": [allowance]}), text)


def approved(policy: PolicyFile, key: LocalAccount = KEY, **changes: Any) -> Approved:
    """An approval of the policy for `PRACTICE`, signed with `key`."""
    values: dict[str, Any] = {
        "at": "2026-11-28T12:00:00Z",
        "chain_id": PRACTICE.chain_id,
        "coordinator": PRACTICE.coordinator,
        "account": PRACTICE.account,
        "by": "J. Doe, DPO",
        "site": "A hospital",
        "federation": "Ward notes",
        "spec": PRACTICE.spec,
        "policy": policy.digest,
        "text": policy.text,
        "signature": "0x" + 130 * "0",
        **changes,
    }
    unsigned = Approved(**values)
    return unsigned.model_copy(update={"signature": "0x" + sign_text(key, unsigned.statement()).hex()})


def left(round_number: int = 1, **changes: Any) -> Left:
    values: dict[str, Any] = {
        "at": "2026-11-28T13:00:00Z",
        "chain_id": PRACTICE.chain_id,
        "coordinator": PRACTICE.coordinator,
        "account": PRACTICE.account,
        "round": round_number,
        "root": f"0x{round_number:064x}",
        "bytes": 12_345,
        "mode": "public",
        "examples": 40,
        "loss_before": 2_500_000,
        "loss_after": 1_250_000,
        **changes,
    }
    return Left(**values)
