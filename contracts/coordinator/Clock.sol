// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {State} from "./State.sol";

/// @title What time has made of a round: a view of storage and of the block's timestamp.
abstract contract Clock is State {
    struct Status {
        Phase phase;
        VoidReason voidReason;
        uint256 start; // of the phase; of Final and Void: when the round was settled
        uint256 end; // 0: no deadline
        bytes32 priorRoot; // zero: not known yet
        uint256 acceptedMask; // zero before Attest is over
    }

    function _status(uint256 number) internal view returns (Status memory s) {
        Round storage r = _rounds[number];
        if (r.openedAt == 0) return s;
        s.priorRoot = r.priorRoot;
        s.acceptedMask = r.acceptedMask;
        if (r.settledAt != 0) {
            s.voidReason = r.voidReason;
            return _enter(s, r.voidReason == VoidReason.None ? Phase.Final : Phase.Void, r.settledAt, 0);
        }
        if (_now() < r.trainEnd) {
            _readPrior(number, r, s);
            return _enter(s, Phase.Train, r.openedAt, r.trainEnd);
        }
        uint256 priorAt = _readPrior(number, r, s);
        if (priorAt == 0) return _enter(s, Phase.Waiting, r.trainEnd, 0);
        return _afterTrain(number, r, s, _max(r.trainEnd, priorAt));
    }

    /// @dev The phases after Train of a round whose prior root is known; `start` is that of Reveal.
    function _afterTrain(uint256 number, Round storage r, Status memory s, uint256 start)
        private
        view
        returns (Status memory)
    {
        Naming memory matching = r.named[s.priorRoot];
        if (matching.commits < _config.minClients) return _voided(s, VoidReason.TooFewCommits, start);
        uint256 end = r.revealEnd == 0 ? start + _config.revealLength : r.revealEnd;
        if (_now() < end) return _enter(s, Phase.Reveal, start, end);

        bool isMasked = _isMasked();
        if (
            isMasked
                ? r.revealed < matching.commits
                : 3 * uint256(r.revealedBacking) < 2 * uint256(matching.backed)
        ) {
            return _voided(s, VoidReason.TooFewReveals, end);
        }
        start = end;
        end = r.attestEnd == 0 ? start + _config.attestLength : r.attestEnd;
        if (_now() < end) return _enter(s, Phase.Attest, start, end);

        if (s.acceptedMask == 0) s.acceptedMask = _accepted(r, isMasked);
        if (s.acceptedMask == 0) return _voided(s, VoidReason.TooFewAccepted, end);
        if (r.live == 0) return _enter(s, Phase.Aggregate, _max(end, r.convictedAt), 0);

        uint256 finalAt = _finalAt(number, r);
        if (_now() >= finalAt) return _enter(s, Phase.Final, finalAt, 0);
        Listed storage oldest = _oldest(r);
        return _enter(s, Phase.Challenge, oldest.completedAt, oldest.windowEnd);
    }

    /// @dev When the oldest live proposal becomes final as things stand. A condition that holds by then can change
    /// no more: commits end with Train, and a conviction moves `convictedAt`. The shorter window is longer for each
    /// proposal before it too: no commits make final what one verifier has not come to yet.
    function _finalAt(uint256 number, Round storage r) private view returns (uint256) {
        Listed storage p = _oldest(r);
        Round storage next = _rounds[number + 1];
        uint256 committed = next.committed;
        if (
            committed == 0 || next.named[p.root].commits != committed
                || 3 * uint256(next.committerWeight) < 2 * uint256(r.totalWeight)
        ) return p.windowEnd;
        uint256 shortest = uint256(p.windowEnd) - _config.challengeLength + _config.minWindow;
        uint256 early = _max(_max(next.trainEnd, shortest), r.convictedAt);
        return early < p.windowEnd ? early : p.windowEnd;
    }

    /// @dev Reads the prior root into `s` and returns since when it is known; an unsettled round before may have
    /// become final by the clock alone.
    function _readPrior(uint256 number, Round storage r, Status memory s) private view returns (uint256) {
        if (r.priorAt != 0) return r.priorAt;
        Status memory before = _status(number - 1);
        if (before.phase != Phase.Final) return 0;
        s.priorRoot = _oldest(_rounds[number - 1]).root;
        return before.start;
    }

    /// @dev Updates that two thirds of the revealed weight vouch for; none if they hold less than two thirds of it: else
    /// those with more than a third could vote all others out and have the round's global to themselves. The masks of a
    /// masked federation add up to zero over all updates alone, so there it is all or none.
    function _accepted(Round storage r, bool isMasked) private view returns (uint256 mask) {
        uint256 needed = 2 * uint256(r.totalWeight);
        uint256 count = r.revealed;
        uint256 weight = 0;
        for (uint256 i = 0; i < count; ++i) {
            if (3 * uint256(r.yes[i]) < needed) {
                if (isMasked) return 0;
                continue;
            }
            mask |= 1 << i;
            weight += r.weights[i];
        }
        if (3 * weight < needed) return 0;
    }

    /// @dev What `account`, which committed in a settled round, is penalised for there, if for anything.
    function _fault(Round storage r, address account) internal view returns (bool isAtFault, PenaltyReason why) {
        Entry storage entry = r.entries[account];
        VoidReason reason = r.voidReason;
        if (reason == VoidReason.PriorVoid) return (false, why);
        if (entry.priorRoot != r.priorRoot) return (true, PenaltyReason.WrongPrior);
        if (reason == VoidReason.TooFewCommits) return (false, why);
        if (entry.position == 0) return (!_isRefused(r), PenaltyReason.NotRevealed);
        if (reason == VoidReason.TooFewReveals) return (false, why);
        uint256 index = entry.position - 1;
        if ((r.attestedMask >> index) & 1 == 0) return (true, PenaltyReason.NotAttested);
        if (reason != VoidReason.TooFewAccepted || !_isMasked()) return (false, why);
        uint256 own = r.weights[index];
        return (3 * (r.yes[index] - own) < r.totalWeight - own, PenaltyReason.NotAccepted);
    }

    /// @dev Whether members of a masked round may have had to refuse it: then it is no fault of theirs that they did not
    /// reveal. Seats stayed away whose owners they know, so that strangers alone hid their updates; or most of the members
    /// did not reveal: they refused, or the chain's blocks became final too late for all.
    function _isRefused(Round storage r) private view returns (bool) {
        uint256 commits = r.named[r.priorRoot].commits;
        return _isMasked() && (commits < r.active || 2 * uint256(r.revealed) < commits);
    }

    /// @dev Whether a fault costs the seat: in a masked federation one seat voids one round.
    function _costsSeat(Round storage r, PenaltyReason why) internal view returns (bool) {
        return _isMasked() && (why == PenaltyReason.NotRevealed || r.voidReason == VoidReason.TooFewAccepted);
    }

    /// @dev Whether proposal `id` of a settled round is the one that it ended with; a void round has none.
    function _hasWon(Round storage r, uint256 id) internal view returns (bool) {
        return id == r.oldest && r.voidReason == VoidReason.None;
    }

    /// @dev The oldest live proposal: of a final round, the one that won.
    function _oldest(Round storage r) internal view returns (Listed storage) {
        return r.listed[r.oldest];
    }

    function _enter(Status memory s, Phase phase, uint256 start, uint256 end) private pure returns (Status memory) {
        s.phase = phase;
        s.start = start;
        s.end = end;
        return s;
    }

    function _voided(Status memory s, VoidReason reason, uint256 at) private pure returns (Status memory) {
        s.voidReason = reason;
        return _enter(s, Phase.Void, at, 0);
    }

    function _requirePhase(uint256 number, Phase expected) internal view returns (Status memory s) {
        s = _status(number);
        if (s.phase != expected) revert WrongPhase(number, expected, s.phase);
    }

    function _now() internal view returns (uint64) {
        return uint64(block.timestamp);
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
