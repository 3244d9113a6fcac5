"""Checks before the daemon starts, so that mistakes are reported at once and not in the middle of a round."""

from __future__ import annotations

import logging

from fedprotocol.chain.read.trust import require_known
from fedprotocol.chain.send.fees import is_free
from fedprotocol.chains import describe_depth
from fedprotocol.errors import FedError
from fedprotocol.peers.announcement import wanted

from fednode.daemon.peers_now import NO_LIST
from fednode.differential_privacy.accountant import require_accountant
from fednode.differential_privacy.budget import settings_for
from fednode.session import Session
from fednode.site_data import usable_rows
from fednode.site_policy import require_allowed

log = logging.getLogger("fednode")


class NotReady(FedError):
    """The node cannot start yet; the message says what to do first."""


def preflight(session: Session) -> None:
    """Chain, its contracts, key, journal, policy, seat, ether, data, spec. Raises the error that says what is wrong."""
    _ = session.journal
    wanted(session.config)
    require_known(session.coordinator, session.config.chain)
    require_allowed(session)
    chain = session.snapshot()
    if chain.my_seat.active_from == 0:
        raise NotReady(f"{session.address} has no seat in this federation: take one with `fednode join`")
    if chain.eth == 0 and not is_free(session.coordinator.web3.eth):
        raise NotReady(f"{session.address} has no ether for transactions: send it some")
    if chain.config.is_masked and session.config.private is None:
        raise NotReady(NO_LIST)
    usable_rows(session.config, session.spec)
    if settings_for(session.config, session.spec) is not None:
        require_accountant()
    settings = session.config.chain
    log.info("confirmations: %s", describe_depth(settings.chain_id, settings.confirmations))
