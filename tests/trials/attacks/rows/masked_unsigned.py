"""Updates are masked. Two peers that a site counts on want it to refuse the round after its own commit, which costs the
penalty and the seat: one commits through a contract, the other in a transaction that is signed for any chain."""

from __future__ import annotations

from eth_account import Account
from fednode.masking.keys import fresh_secret, public_key
from fedprotocol.types import Phase

from attacks.arena import Arena
from attacks.balances import share
from attacks.masked_federation import name_peers
from attacks.masked_hand import MaskedHand
from attacks.masked_rounds import deliver
from attacks.puppet import Puppet
from attacks.votes import prior_of

TITLE = "masked: a peer's commit that shows no signature"
PLACE = 57


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, masked=True)
    coordinator, master = arena.coordinator, arena.actor("accomplices")
    peer, puppet = arena.hand("accomplices", honest=False), Puppet(arena, master)
    stake = coordinator.config().min_stake
    arena.gate.admit(puppet.address)
    token = arena.federation.token.functions
    master.send(puppet.all_of(token.approve(coordinator.address, stake), coordinator.calls.join(stake)), "join")
    for node in arena.nodes:
        name_peers(node.folder / "fednode.toml", [peer.address, puppet.address], 1)
    arena.start()
    for number in (1, 2):
        arena.wait("both sites commit", lambda number=number: len(arena.events("Committed", number)) == 2)
        through = coordinator.calls.commit(number, prior_of(arena, number), public_key(fresh_secret()))
        master.send(puppet.attempt(through), f"commit {number}")
        commit_for_any_chain(arena, peer, number)
        deliver(arena, peer, number)
        arena.reach(number, Phase.ATTEST)
        peer.attest(number)
        arena.reach(number, Phase.AGGREGATE, Phase.CHALLENGE)
        assert len(coordinator.updates(number)) == 3, "a site refused the round"
        arena.party("accomplices").due += share(coordinator, number, peer.address)
    assert puppet.refused() == ["UnsignedCommit"] * 2
    return (
        "the contract took no commit that another contract made (UnsignedCommit), so that its seat did not take part; "
        "the transaction without a chain was read, and its signature is the peer's: both sites went on with it, and "
        "both rounds became final"
    )


def commit_for_any_chain(arena: Arena, hand: MaskedHand, number: int) -> None:
    """With a fresh key, and a signature from before EIP-155."""
    hand.secrets[number] = fresh_secret()
    eth = arena.chain.web3.eth
    call = arena.coordinator.calls.commit(number, prior_of(arena, number), public_key(hand.secrets[number]))
    nonce = eth.get_transaction_count(hand.address, "pending")
    fields = call.build_transaction(
        {"from": hand.address, "nonce": nonce, "gas": 500_000, "gasPrice": 2 * eth.gas_price}
    )
    del fields["chainId"]
    sent = eth.send_raw_transaction(Account.sign_transaction(fields, hand.client.account.key).raw_transaction)
    receipt = eth.wait_for_transaction_receipt(sent)
    assert receipt["status"] == 1 and eth.get_transaction(sent)["v"] in (27, 28)
