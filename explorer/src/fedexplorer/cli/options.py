"""The options that `run` and `export` share: which federation, where its content is, what is shown beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CoordinatorOption = Annotated[
    str | None, typer.Option(help="Address of the federation's coordinator, where there is no invitation.")
]
ChainIdOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Chain id of the network that the coordinator is on. Default: the Ethereum node is asked when it "
        "starts. Give it if the same address may exist on another chain, or to start while the node is away.",
    ),
]
RpcOption = Annotated[
    list[str] | None,
    typer.Option(
        envvar="FEDEXPLORER_RPC",
        help="URL of an Ethereum node. Repeat the option to name several; they are tried in order. A URL with a key in "
        "it is better put into the variable, because other users of this machine can see options. It is never shown.",
    ),
]
InvitationOption = Annotated[
    str | None,
    typer.Option(
        help="The sponsor's invitation, as a file or an https URL. It says which federation, which Ethereum nodes may "
        "be used and where its content is served, in place of --coordinator, --chain-id, --rpc and --store."
    ),
]
StoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--store",
        "--peer",
        help="Place to read updates and global models from: dir:FOLDER (it is never written to), https://gateway, or "
        "kubo:http://127.0.0.1:5001. Repeat the option to name several.",
    ),
]
TokenOption = Annotated[
    list[str] | None,
    typer.Option(
        "--token",
        metavar="SERVER=FILE",
        help="Show a server the token in a file that only you may read (Authorization: Bearer), as in "
        "--token https://node.example.org=token.txt. No other server gets it. Repeat the option to name several.",
    ),
]
NoFindPeersOption = Annotated[
    bool,
    typer.Option(
        "--no-find-peers",
        help="Do not read content from where the participants announce on the chain that they serve it.",
    ),
]
HomeOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder for what was read already; everything in it can be made again. Default: fedexplorer in the user's "
        "cache, which is ~/.cache or XDG_CACHE_HOME."
    ),
]
CACHE_GIB = 2.0
CacheOption = Annotated[
    float,
    typer.Option(
        "--cache",
        min=0.01,
        max=1_000_000,
        help="Gibibytes of the disk that copies of updates and global models may take. Those that nobody looked at for "
        "longest are deleted first.",
    ),
]
NamesOption = Annotated[
    Path | None,
    typer.Option(help='TOML file that says what accounts are called. A line of it is "0x…" = "clinic".'),
]
ScoresOption = Annotated[
    list[Path] | None,
    typer.Option(
        help="File with evaluations of the global models, such as metrics/rounds.jsonl in a node's home. It is read "
        "again when it changes. Repeat the option to name several, whose test sets are then taken together."
    ),
]
TitleOption = Annotated[str, typer.Option(help="Name of the federation for the head of the pages.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Also log what is tried again.")]
