// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationCoordinator} from "../../interfaces/IFederationCoordinator.sol";
import {FederationViews} from "./FederationViews.sol";

/// @title Questions to a coordinator, answered from its own storage: `coordinator.inspect(lens, question)`.
/// @notice Deployed nowhere: LensQuery creates it for the time of one `eth_call`.
/// @dev Its storage is laid out as the coordinator's, since both inherit it from State.
contract FederationLens is FederationViews {
    /// @dev Of those that are live: more than anybody will have to convict at a time.
    uint256 private constant MOST_PROPOSALS = 256;

    struct RoundState {
        uint256 number;
        RoundView view_;
        Update[] updates;
        Proposal[] proposals; // the oldest live ones
        Commitment commitment; // the account's
        uint256 index; // of the account's update plus one; 0: none
        uint256 nextPage; // of the account's unfinished proposal
    }

    /// @notice All that one account's program wants to know about a federation, from one block: nothing in it can lie on two
    /// sides of a block or of a deadline.
    struct Snapshot {
        uint256 chainId;
        uint256 blockNumber;
        uint256 time;
        Config config;
        RoundState[] rounds; // the unsettled ones and the last settled one, oldest first
        uint32 latestFinalRound;
        bytes32 latestFinalRoot;
        uint32 finalCount;
        uint32 lastOpened;
        bool closed;
        uint16 activeCount;
        Seat seat;
        uint256 owed;
        Seat settledSeat; // what `settle` would leave of them now
        uint256 settledOwed;
        uint256 bondDue; // credited when the account is settled next
        uint256 bond; // what a proposal would cost the account
        Balances balances;
        uint256 eth;
        uint256 tokens;
        uint256 allowance;
        address[] seated; // the accounts that hold a seat
        address[] droppable; // silent clients, see `silent`
        address[] indebted;
    }

    function take(address account) external returns (Snapshot memory s) {
        s.chainId = block.chainid;
        s.blockNumber = block.number;
        s.time = block.timestamp;
        s.config = _config;
        (s.latestFinalRound, s.latestFinalRoot) = latestFinal();
        s.finalCount = finalCount();
        s.lastOpened = _lastOpened;
        s.closed = _closed;
        s.activeCount = _activeCount;
        s.seat = _seats[account];
        s.owed = owed(account);
        s.bondDue = bondDue(account);
        s.bond = bondOf(account);
        s.balances = _balances;
        s.eth = account.balance;
        s.tokens = _config.token.balanceOf(account);
        s.allowance = _config.token.allowance(account, address(this));
        s.seated = clients();
        (s.droppable, s.indebted) = silent();

        _takeRounds(account, s);
        // Last, because it changes what is read. Nothing of it stays: `inspect` always reverts.
        IFederationCoordinator(address(this)).settle(account);
        s.settledSeat = _seats[account];
        s.settledOwed = owed(account);
    }

    function _takeRounds(address account, Snapshot memory s) private view {
        uint256 first = _lastOpened;
        while (first > 1 && roundView(first).settledAt == 0) --first;
        if (first == 0) return;
        s.rounds = new RoundState[](_lastOpened - first + 1);
        for (uint256 i; i < s.rounds.length; ++i) s.rounds[i] = _state(account, first + i);
    }

    function _state(address account, uint256 n) private view returns (RoundState memory r) {
        r.number = n;
        r.view_ = roundView(n);
        r.updates = updates(n);
        r.proposals = proposals(n, MOST_PROPOSALS);
        r.commitment = commitment(n, account);
        r.index = updateIndex(n, account);
        r.nextPage = pagesOf(n, account);
    }
}
