// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {IFederationViews} from "../../interfaces/IFederationViews.sol";
import {Clock} from "../coordinator/Clock.sol";

/// @title What can be read of a coordinator's storage. Rounds are as of this block's timestamp; money and seats as last
/// settled.
abstract contract FederationViews is Clock, IFederationViews {
    using EnumerableSet for EnumerableSet.AddressSet;

    function balances() public view returns (Balances memory) {
        return _balances;
    }

    function seat(address account) public view returns (Seat memory) {
        return _seats[account];
    }

    function owed(address account) public view returns (uint256) {
        return _owed[account];
    }

    function bondDue(address proposer) public view returns (uint256) {
        Round storage r = _rounds[_bondRound[proposer]];
        uint256 id = r.drafts[proposer].id;
        return r.settledAt == 0 || _hasWon(r, id) ? 0 : r.listed[id].bond;
    }

    function clients() public view returns (address[] memory) {
        return _seated.values();
    }

    function activeCount() public view returns (uint16) {
        return _activeCount;
    }

    function silent() public view returns (address[] memory droppable, address[] memory indebted) {
        address[] memory all = clients();
        (droppable, indebted) = (new address[](all.length), new address[](all.length));
        (uint256 drops, uint256 debts) = (0, 0);
        uint32 since = _finalByNow() == 0 ? _previousFinal : _latestFinal;
        for (uint256 i = 0; i < all.length; ++i) {
            Seat storage s = _seats[all[i]];
            if (s.activeUntil != SEATED || s.activeFrom > _lastOpened || s.lastCommit >= _lastOpened) continue;
            if (since != 0 && s.activeFrom <= since && s.lastCommit < since) {
                droppable[drops++] = all[i];
            } else if (_isIndebted(all[i], s)) {
                indebted[debts++] = all[i];
            }
        }
        assembly ("memory-safe") {
            mstore(droppable, drops)
            mstore(indebted, debts)
        }
    }

    function lastOpened() public view returns (uint32) {
        return _lastOpened;
    }

    function isClosed() public view returns (bool) {
        return _closed;
    }

    function finalCount() public view returns (uint32) {
        return _finalCount + (_finalByNow() == 0 ? 0 : 1);
    }

    function latestFinal() public view returns (uint32 round, bytes32 root) {
        round = _finalByNow();
        if (round == 0) return (_latestFinal, _latestRoot);
        root = _oldest(_rounds[round]).root;
    }

    function roundView(uint256 round) public view returns (RoundView memory v) {
        Round storage r = _rounds[round];
        Status memory s = _status(round);
        v.phase = s.phase;
        v.voidReason = s.voidReason;
        v.openedAt = r.openedAt;
        v.phaseStart = uint64(s.start);
        v.phaseEnd = uint64(s.end);
        v.priorRoot = s.priorRoot;
        v.inputsHash = r.inputsHash;
        v.active = r.active;
        v.committed = r.committed;
        v.matching = r.named[s.priorRoot].commits;
        v.revealed = r.revealed;
        v.attested = r.attested;
        v.totalWeight = r.totalWeight;
        v.acceptedMask = s.acceptedMask;
        v.convicted = r.proposed - r.live;
        v.live = r.live;
        if (s.phase >= Phase.Final) v.settledAt = uint64(s.start);
        if (s.phase == Phase.Final) {
            v.globalRoot = _oldest(r).root;
            v.aggregator = _oldest(r).proposer;
        }
    }

    function commitment(uint256 round, address client) public view returns (Commitment memory) {
        Entry storage entry = _rounds[round].entries[client];
        return Commitment(entry.hash, entry.priorRoot, entry.backed);
    }

    function updateIndex(uint256 round, address client) public view returns (uint256) {
        return _rounds[round].entries[client].position;
    }

    function updates(uint256 round) public view returns (Update[] memory list) {
        list = new Update[](_rounds[round].revealed);
        for (uint256 i = 0; i < list.length; ++i) list[i] = _update(round, i);
    }

    function proposals(uint256 round, uint256 limit) public view returns (Proposal[] memory list) {
        Round storage r = _rounds[round];
        list = new Proposal[](r.live < limit ? r.live : limit);
        uint256 id = r.oldest;
        for (uint256 i = 0; i < list.length; ++i) {
            list[i] = _proposal(r.listed[id]);
            id = r.listed[id].younger;
        }
    }

    function proposal(uint256 round, bytes32 root) public view returns (Proposal memory) {
        Round storage r = _rounds[round];
        return _proposal(r.listed[r.idOf[root]]);
    }

    function pagesOf(uint256 round, address proposer) public view returns (uint256) {
        return _rounds[round].drafts[proposer].nextPage;
    }

    function bondOf(address proposer) public view returns (uint256) {
        return _bondOf(proposer);
    }

    function _proposal(Listed storage p) private view returns (Proposal memory) {
        return Proposal(p.proposer, p.root, p.bond, p.completedAt, p.windowEnd);
    }

    /// @dev Whether settling the account would suspend it or cost its seat, by rounds that are settled in storage.
    function _isIndebted(address account, Seat storage s) private view returns (bool) {
        (bool oldFault, bool oldSeat) = _due(s.pendingOld, account);
        (bool newFault, bool newSeat) = _due(s.pendingNew, account);
        uint256 due = (oldFault ? _config.penalty : 0) + (newFault ? _config.penalty : 0);
        return oldSeat || newSeat || s.stake < _config.minStake + due;
    }

    function _due(uint32 number, address account) private view returns (bool isAtFault, bool costsSeat) {
        Round storage r = _rounds[number];
        if (r.settledAt == 0) return (false, false);
        PenaltyReason why;
        (isAtFault, why) = _fault(r, account);
        costsSeat = isAtFault && _costsSeat(r, why);
    }

    /// @dev The round that is final by now and not settled in storage; 0: none. Only the oldest unsettled one can be:
    /// the one after it has no reveals before that settlement.
    function _finalByNow() private view returns (uint32) {
        uint32 last = _lastOpened;
        if (last > 1 && _isFinalUnsettled(last - 1)) return last - 1;
        return last > 0 && _isFinalUnsettled(last) ? last : 0;
    }

    function _isFinalUnsettled(uint256 number) private view returns (bool) {
        return _rounds[number].settledAt == 0 && _status(number).phase == Phase.Final;
    }
}
