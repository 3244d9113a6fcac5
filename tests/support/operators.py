"""Folders as a site's operator has them, on a federation whose base model is only a name: for all but training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from fedprotocol.chain.account import keys
from fedprotocol.files.private import create_private
from fedprotocol.spec import spec_digest
from fedprotocol.store.open import open_store
from support.evm import Anvil
from support.live_federation import LiveFederation, directory_url, random_genesis
from support.sites import PASSWORD, Site, toml
from support.specs import DOCUMENT

LEAVES, VALUES = 7, 32  # what the 200 values of the document need


def published(chain: Anvil, store: Path, document: dict[str, Any] | None = None, **overrides: Any) -> LiveFederation:
    """A federation whose spec (changed by `document`) and genesis are in the folder `store`."""
    genesis = random_genesis(LEAVES, VALUES)
    rounds = overrides.setdefault("totalRounds", DOCUMENT["training"]["rounds"])
    training = {**DOCUMENT["training"], "rounds": rounds}
    changes = {"genesis_root": "0x" + genesis.root.hex(), "training": training, **(document or {})}
    spec = json.dumps({**DOCUMENT, **changes}).encode()
    shape = {"leaf_count": LEAVES, "leaf_values": VALUES}
    overrides.setdefault("maxShift", DOCUMENT["bounds"]["max_shift"])
    federation = LiveFederation(chain, specDigest=spec_digest(spec), **shape, **overrides)
    own = open_store(directory_url(store), store / "cache")
    own.put_block(spec)
    own.put(genesis)
    return federation


def operator(folder: Path, federation: LiveFederation, account: LocalAccount, *peers: Path, **tables: Any) -> Site:
    """A site's folder for `account`, with key, password, data and config; `tables` change the config's."""
    folder.mkdir(parents=True)
    keys.save(folder / "key.json", account, PASSWORD, iterations=1024)
    password = folder / "password.txt"
    password.touch(mode=0o600)
    password.write_text(PASSWORD)
    (folder / "train.jsonl").write_text('{"prompt": "a", "completion": " b"}\n')
    chain = {
        "rpc": [federation.chain.url],
        "chain_id": federation.coordinator.chain_id,
        "coordinator": federation.coordinator.address,
        "poll_seconds": 0.2,
    }
    config: dict[str, dict[str, Any]] = {
        "": {"home": "home"},
        "chain": chain,
        "store": {"url": "dir:store", "peers": [directory_url(peer) for peer in peers]},
        "account": {"keystore": "key.json", "password_file": "password.txt"},
        "data": {"train": "train.jsonl"},
    }
    config |= {name: {**config.get(name, {}), **table} for name, table in tables.items()}
    with create_private(folder / "fednode.toml") as file:
        file.write(toml(config).encode())
    return Site(folder, account)
