"""Whether this site can take part in masked rounds: it names peers that hold seats, and the phases are long enough."""

from __future__ import annotations

from fedprotocol.chain.errors import translated
from fedprotocol.chains import known_chain
from fedprotocol.quantities import duration

from fednode.daemon.peers_now import NO_LIST
from fednode.doctor.check import NotFit, Patient
from fednode.masking.duration import PhaseTime, in_attest, in_reveal
from fednode.masking.members import too_few_peers


def masks(patient: Patient) -> str:
    session = patient.session
    terms, private = session.coordinator.config(), session.config.private
    if not terms.is_masked:
        return "none: this federation shows every update"
    if private is None:
        raise NotFit(NO_LIST, patient.edit("[private] peers"))
    _require_no_code(patient)
    layout, most, settling = session.spec.layout, terms.max_clients - 1, _settling(patient)
    for name, needed, length in (
        ("Reveal", in_reveal(layout, most, settling), terms.reveal_length),
        ("Attest", in_attest(layout, most, settling), terms.attest_length),
    ):
        _require(name, needed, length, patient)
    if why := too_few_peers(private.peers, private.at_least, session.address, session.coordinator.clients()):
        return f"no round is begun yet: {why}"
    return f"{private.at_least} of its {len(private.peers)} peers must take part in a round, and enough hold seats"


def _require_no_code(patient: Patient) -> None:
    session = patient.session
    with translated("eth_getCode"):
        code = session.coordinator.web3.eth.get_code(session.coordinator.web3.to_checksum_address(session.address))
    if code:
        raise NotFit(
            f"the account {session.address} has code, which may act in its name: where updates are masked, the "
            "contract takes no commit from it, because the other sites could not tell who signed that",
            "take the code back (EIP-7702: authorise the address 0x0 with this account's key), or join with another "
            "account",
        )


def _settling(patient: Patient) -> float:
    """Seconds until a block is under the node's confirmations; 0 on a chain that has no preset."""
    settings = patient.session.config.chain
    chain = known_chain(settings.chain_id)
    return 0.0 if chain is None else chain.block_seconds * settings.confirmations


def _require(name: str, needed: PhaseTime, length: int, patient: Patient) -> None:
    if needed.total > length:
        raise NotFit(
            f"{name} lasts {duration(length)}, and this site may need {duration(needed.total)} in it "
            f"({duration(needed.settling)} until the phase before is final): it would lose its seat",
            patient.edit("[chain] coordinator: another federation, or ask the sponsor for longer phases"),
        )
