// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationCoordinator} from "../../interfaces/IFederationCoordinator.sol";

/// @title All that one account's program wants to know about a federation, from one block.
/// @notice Never deployed: a client runs this code in one `eth_call` with a state override, so that nothing it reads can
/// lie on two sides of a block or of a deadline.
contract FederationLens {
    struct RoundState {
        uint256 number;
        IFederationCoordinator.RoundView view_;
        IFederationCoordinator.Update[] updates;
        IFederationCoordinator.Proposal[] proposals;
        IFederationCoordinator.Commitment commitment; // the account's
        uint256 index; // of the account's update plus one; 0: none
        uint256 nextPage; // of the account's unfinished proposal
        uint256 bond; // what a proposal would cost now
    }

    struct Snapshot {
        uint256 chainId;
        uint256 blockNumber;
        uint256 time;
        IFederationCoordinator.Config config;
        RoundState[] rounds; // the unsettled ones and the last settled one, oldest first
        uint32 latestFinalRound;
        bytes32 latestFinalRoot;
        uint32 finalCount;
        uint32 lastOpened;
        bool closed;
        uint16 activeCount;
        IFederationCoordinator.Seat seat;
        uint256 owed;
        IFederationCoordinator.Balances balances;
        uint256 eth;
        uint256 tokens;
        uint256 allowance;
    }

    function take(IFederationCoordinator coordinator, address account) external view returns (Snapshot memory s) {
        s.chainId = block.chainid;
        s.blockNumber = block.number;
        s.time = block.timestamp;
        s.config = coordinator.config();
        (s.latestFinalRound, s.latestFinalRoot) = coordinator.latestFinal();
        s.finalCount = coordinator.finalCount();
        s.lastOpened = coordinator.lastOpened();
        s.closed = coordinator.isClosed();
        s.activeCount = coordinator.activeCount();
        s.seat = coordinator.seat(account);
        s.owed = coordinator.owed(account);
        s.balances = coordinator.balances();
        s.eth = account.balance;
        s.tokens = s.config.token.balanceOf(account);
        s.allowance = s.config.token.allowance(account, address(coordinator));

        uint256 first = s.lastOpened;
        while (first > 1 && coordinator.roundView(first).settledAt == 0) --first;
        if (first == 0) return s;
        s.rounds = new RoundState[](s.lastOpened - first + 1);
        for (uint256 i; i < s.rounds.length; ++i) s.rounds[i] = _round(coordinator, account, first + i);
    }

    function _round(IFederationCoordinator coordinator, address account, uint256 n)
        private
        view
        returns (RoundState memory r)
    {
        r.number = n;
        r.view_ = coordinator.roundView(n);
        r.updates = coordinator.updates(n);
        r.proposals = coordinator.proposals(n);
        r.commitment = coordinator.commitment(n, account);
        r.index = coordinator.updateIndex(n, account);
        r.nextPage = coordinator.pagesOf(n, account);
        r.bond = coordinator.bondOf(n);
    }
}
