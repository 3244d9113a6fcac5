"""The text of a new `fednode.toml`, with every setting that may be in it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from fedprotocol.config import as_comments
from fedprotocol.config_text import CHAIN, MONITOR, STORE, connection

TEMPLATE = (
    """\
# A node of a federation. Relative paths are relative to this file.
{remarks}
home = "home"                       # journal, status, metrics, logs, cache
# policy = "policy.toml"            # what may leave this site, which no spec overrides: see docs/privacy.md

"""
    + CHAIN
    + "\n"
    + STORE
    + """
[account]
keystore = {keystore}     # `fednode account new` writes it
{password_file}    # mode 600; else FED_PASSWORD_FILE, or a question at the terminal
# Or, in place of keystore: signer (the URL of a program that signs: Web3Signer, Clef) and address (the account's)

[model]
{source}                # a local folder or .gguf file with the spec's base model; default: its hub id
# device = "cpu"                    # cpu or cuda
# threads = 1

# [training]
# launch = "process"                # torchrun or slurm for several GPUs or machines: docs/operating.md
# processes = 1                     # default: one for each GPU
# shard = false                     # true: each holds a part of the base model (FSDP), for one too large for a GPU

[data]
train = {train}             # rows with prompt and completion, or messages; they never leave this machine
{test}               # scored with every global; may have a column domain
# split = 0.0                       # in place of test: the share of train's rows that is held out for scoring, as 0.1
# encoding = "cp1252"               # of text files, if not UTF-8
# prompt = "text"                   # what your files call the prompt, if not prompt; input.text if it is nested
# completion = "label"              # what they call the completion
# labels = {{ 0 = "no", 1 = "yes" }}  # what their labels stand for

[node]
# stake = 0                         # whole tokens that `fednode join` locks; 0: the least, and room for penalties
# penalties = 3                     # how many the stake can lose before the seat is suspended, where stake is 0
# top_up = 0                        # whole tokens that the node may add after penalties, all together; 0: it adds none
# propose_after = 120               # hand in the aggregate oneself after so many seconds without a live proposal
# challenge_after = 0               # leave a wrong proposal, and its bounty, to others for so many seconds
# attest_margin = 60                # seconds before the deadline at which absent updates are given up at the latest
# keep_rounds = 8                   # settled rounds whose updates and prior stay here; `audit` needs them
# claim = false                     # take what is owed when the federation is complete
# seed = 0

# [privacy]                         # differential privacy; needs pip install 'fednode[privacy]'
# noise = 1.0                       # standard deviation of the noise, in units of clip; at least 0.3
# clip = 0.1                        # largest L2 norm of one row's gradient
# delta = 1e-6                      # well below 1 / rows
# budget = 8.0                      # the epsilon before which this site stops training
# ledger = "privacy.sqlite"         # what was spent; nodes that train on the same rows name the same file

# [private]                         # in a federation that masks updates, so that only their sum is seen
# peers = ["0x1111111111111111111111111111111111111111", "0x2222222222222222222222222222222222222222"]  # sites you know
# at_least = 2                      # how many of them must take part in a round, before this site does
# changed_in = []                   # rounds for which a person agreed to other members than in the void round before

"""
    + MONITOR
    + """
[track]
# to = []                           # trackers of experiments: csv, tensorboard, wandb, mlflow, trackio
# folder = "home/track"             # where they write, on this machine alone; a server for them: docs/operating.md
# project = "Colours"               # default: the federation's name
# run = "clinic"                    # default: the beginning of the account

[solo]
# enabled = false                   # also train a model of this site alone while waiting, for comparison
# test = "test.jsonl"               # rows to score that model on; default: those that globals are scored on
"""
)


def render(
    *,
    rpc: Sequence[str],
    chain_id: int,
    coordinator: str,
    store: str,
    peers: Sequence[str],
    keystore: str,
    train: str,
    password_file: str | None = None,
    model: str | None = None,
    test: str | None = None,
    remarks: Sequence[str] = (),
) -> str:
    """The text of a config file, commented; what is None stays a comment. `remarks`: lines for its head."""
    return TEMPLATE.format(
        remarks=as_comments(remarks),
        **connection("node", rpc, chain_id, coordinator, store, peers),
        keystore=json.dumps(keystore),
        train=json.dumps(train),
        password_file=_setting("password_file", password_file, "password.txt"),
        source=_setting("source", model, "./model"),
        test=_setting("test", test, "test.jsonl"),
    )


def _setting(key: str, value: str | None, example: str) -> str:
    return f"{key} = {json.dumps(value)}" if value is not None else f"# {key} = {json.dumps(example)}"
