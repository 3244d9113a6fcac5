// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {Clock} from "./Clock.sol";

/// @title What can be read. Rounds are as of this block's timestamp; money and seats as last settled.
abstract contract Views is Clock {
    using EnumerableSet for EnumerableSet.AddressSet;

    function config() external view returns (Config memory) {
        return _config;
    }

    function balances() external view returns (Balances memory) {
        return _balances;
    }

    function seat(address account) external view returns (Seat memory) {
        return _seats[account];
    }

    function owed(address account) external view returns (uint256) {
        return _owed[account];
    }

    function clients() external view returns (address[] memory) {
        return _seated.values();
    }

    function activeCount() external view returns (uint16) {
        return _activeCount;
    }

    function lastOpened() external view returns (uint32) {
        return _lastOpened;
    }

    function isClosed() external view returns (bool) {
        return _closed;
    }

    function finalCount() external view returns (uint32) {
        return _finalCount + (_finalByNow() == 0 ? 0 : 1);
    }

    function latestFinal() external view returns (uint32 round, bytes32 root) {
        round = _finalByNow();
        if (round == 0) return (_latestFinal, _latestRoot);
        root = _rounds[round].live[0].root;
    }

    function roundView(uint256 round) external view returns (RoundView memory v) {
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
        v.matching = r.named[s.priorRoot];
        v.revealed = r.revealed;
        v.attested = r.attested;
        v.totalWeight = r.totalWeight;
        v.acceptedMask = s.acceptedMask;
        v.convicted = r.convicted;
        if (s.phase >= Phase.Final) v.settledAt = uint64(s.start);
        if (s.phase == Phase.Final) {
            v.globalRoot = r.live[0].root;
            v.aggregator = r.live[0].proposer;
        }
    }

    function commitment(uint256 round, address client) external view returns (Commitment memory) {
        Entry storage entry = _rounds[round].entries[client];
        return Commitment(entry.hash, entry.priorRoot);
    }

    function updateIndex(uint256 round, address client) external view returns (uint256) {
        return _rounds[round].entries[client].index;
    }

    function updates(uint256 round) external view returns (Update[] memory list) {
        list = new Update[](_rounds[round].revealed);
        for (uint256 i = 0; i < list.length; ++i) list[i] = update(round, i);
    }

    function update(uint256 round, uint256 index) public view returns (Update memory) {
        Round storage r = _rounds[round];
        Submission storage s = r.submissions[index];
        bool attested = (r.attestedMask >> index) & 1 == 1;
        return Update(s.client, s.root, r.weights[index], s.shift, attested, r.yes[index]);
    }

    function proposals(uint256 round) external view returns (Proposal[] memory) {
        return _rounds[round].live;
    }

    function pagesOf(uint256 round, address proposer) external view returns (uint256) {
        return _rounds[round].drafts[proposer].nextPage;
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
