"""A sponsor deploys the published coordinator with its own Disputes contract, which convicts whatever it is told to, so
as to get the bonds of right proposals."""

from __future__ import annotations

from support.evm import compiled

from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.daemons import Daemon
from attacks.together import play_round

TITLE = "a Disputes of the sponsor's own"
PLACE = 33
GOES_ON = False  # no honest program takes part
REFUSED = "is not of this version, its code is"


def run(arena: Arena) -> str:
    mock = arena.chain.deploy("DisputesMock")
    arena.open(nodes=1, aggregators=1, watchtowers=1, seated=False, minClients=2, disputes=mock.address)
    clients = [arena.client("crooks", honest=False) for _ in range(2)]
    careless, sponsor = arena.actors("crooks", 2)
    play_round(arena, clients, 1, arena.genesis.root)
    right = arena.observer.right(1)
    careless.propose(1, digests_of(right))
    assert arena.live(1) == [right.root]
    disputes = arena.chain.web3.eth.contract(address=mock.address, abi=compiled("DisputesMock")["abi"])
    sponsor.send(disputes.functions.convict(arena.coordinator.address, 1, right.root), "convict")
    [convicted] = arena.events("Convicted", 1)
    assert convicted.args["root"] == right.root and convicted.args["challenger"] == sponsor.address

    [node], [aggregator], [watchtower] = arena.nodes, arena.aggregators, arena.watchtowers
    for daemon, command in ((node, "join"), (node, "run"), (aggregator, "run"), (watchtower, "watch")):
        said = daemon.tell(command, status=1)
        assert f"the disputes contract at {mock.address} {REFUSED}" in said, said
        _put_in_nothing(arena, daemon)
    return (
        "the right global, which an accomplice proposed, was convicted; a node (join and run), an aggregator and a "
        "watchtower each named the contract and the hash of its code, sent no transaction and ended with status 1"
    )


def _put_in_nothing(arena: Arena, daemon: Daemon) -> None:
    assert arena.chain.web3.eth.get_transaction_count(daemon.address) == 0, f"{daemon.name} has sent something"
