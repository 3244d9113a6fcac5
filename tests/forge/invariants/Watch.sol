// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../../interfaces/IFederationTypes.sol";
import {vm} from "../support/Vm.sol";
import {Moves} from "./Moves.sol";

/// @title Time, and those who do what they should before it passes.
/// @dev If `honest` is not zero, the first `honest` actors reveal and attest in time, and one verifier convicts what is
/// wrong, one proposal at a time, older windows first, each of which takes it `minWindow / 10`: the assumptions of
/// docs/threat-model.md. If it is zero nobody does.
abstract contract Watch is Moves {
    uint256 internal immutable honest;

    uint256 private _ready; // when the verifier's case is complete; 0: it has none
    uint256 private _round; // whom it accuses
    bytes32 private _root;

    constructor(uint256 honest_) {
        honest = honest_;
    }

    function _isHonest(address account) internal view returns (bool) {
        for (uint256 i = 0; i < honest; ++i) {
            if (everybody[i] == account) return true;
        }
        return false;
    }

    /// @dev Moves time on to `target`, with a stop at every moment at which something may change.
    function _warp(uint256 target) internal {
        while (honest > 0) {
            _duties();
            uint256 stop = _nextMoment(target);
            if (stop == target) break;
            vm.warp(stop);
        }
        vm.warp(target);
    }

    function _duties() private {
        uint256 last = views.lastOpened();
        if (last == 0) return;
        for (uint256 n = _oldest(); n <= last; ++n) {
            if (_phase(n) == IFederationTypes.Phase.Reveal) _all(n, _mustReveal);
            if (_phase(n) == IFederationTypes.Phase.Attest) _all(n, _mustAttest);
        }
        if (_ready != 0 && block.timestamp >= _ready) _accuse();
        for (uint256 n = _oldest(); n <= last && _ready == 0; ++n) {
            if (_phase(n) == IFederationTypes.Phase.Challenge) _begin(n);
        }
    }

    /// @dev The case against the oldest live proposal that is wrong.
    function _begin(uint256 round) private {
        IFederationTypes.Proposal[] memory live = views.proposals(round, 2); // one of any two is wrong
        for (uint256 i = 0; i < live.length && _ready == 0; ++i) {
            if (live[i].root == _rightRoot(round)) continue;
            (_round, _root, _ready) = (round, live[i].root, block.timestamp + config.minWindow / 10);
        }
    }

    /// @dev The case is complete. Somebody else may have convicted it, or the right one is final.
    function _accuse() private {
        _ready = 0;
        if (_phase(_round) != IFederationTypes.Phase.Challenge) return;
        IFederationTypes.Proposal memory p = views.proposal(_round, _root);
        if (p.completedAt != 0) _convict(STRANGER, _round, p);
    }

    function _all(uint256 round, function(address, uint256) internal duty) private {
        for (uint256 i = 0; i < honest; ++i) {
            if (promises[round][everybody[i]].examples > 0) duty(everybody[i], round);
        }
    }

    function _mustReveal(address client, uint256 round) private {
        if (promises[round][client].revealed || _phase(round) != IFederationTypes.Phase.Reveal) return;
        vm.assertTrue(_reveal(client, round), "an honest client could not reveal");
    }

    function _mustAttest(address client, uint256 round) private {
        if (promises[round][client].attested || _phase(round) != IFederationTypes.Phase.Attest) return;
        vm.assertTrue(_vouch(client, round), "an honest client could not attest");
    }

    /// @dev At once, by as many as it takes. The youngest first: if they are late, the conviction of an older one may make a
    /// younger one final.
    function _convictAll(uint256 round) internal {
        IFederationTypes.Proposal[] memory live = views.proposals(round, ALL);
        for (uint256 i = live.length; i > 0; --i) {
            if (live[i - 1].root != _rightRoot(round)) _convict(STRANGER, round, live[i - 1]);
        }
    }

    function _nextMoment(uint256 target) private view returns (uint256 next) {
        next = _sooner(_ready, target);
        uint256 last = views.lastOpened();
        for (uint256 n = _oldest(); n <= last; ++n) {
            IFederationTypes.RoundView memory v = views.roundView(n);
            next = _sooner(v.phaseEnd, next);
            if (v.phase == IFederationTypes.Phase.Challenge) {
                next = _sooner(v.phaseEnd - config.challengeLength + config.minWindow, next);
            }
        }
    }

    function _sooner(uint256 moment, uint256 next) private view returns (uint256) {
        return moment > block.timestamp && moment < next ? moment : next;
    }
}
