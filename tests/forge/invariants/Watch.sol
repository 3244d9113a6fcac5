// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../../interfaces/IFederationTypes.sol";
import {vm} from "../support/Vm.sol";
import {Moves} from "./Moves.sol";

/// @title Time, and those who do what they should before it passes.
/// @dev If `honest` is not zero, the first `honest` actors reveal and attest in time, and before anything can become
/// final somebody has convicted what is wrong: the assumptions of docs/threat-model.md. If it is zero nobody does.
abstract contract Watch is Moves {
    uint256 internal immutable honest;

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
            if (_phase(n) == IFederationTypes.Phase.Challenge) _convictAll(n);
        }
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

    /// @dev The youngest first: the conviction of an older one may make a younger one final at once.
    function _convictAll(uint256 round) internal {
        IFederationTypes.Proposal[] memory live = views.proposals(round, ALL);
        for (uint256 i = live.length; i > 0; --i) {
            if (live[i - 1].root != _rightRoot(round)) _convict(STRANGER, round, live[i - 1]);
        }
    }

    function _nextMoment(uint256 target) private view returns (uint256 next) {
        next = target;
        uint256 last = views.lastOpened();
        for (uint256 n = _oldest(); n <= last; ++n) {
            IFederationTypes.RoundView memory v = views.roundView(n);
            next = _sooner(v.phaseEnd, next);
            if (v.phase == IFederationTypes.Phase.Challenge) {
                next = _sooner(v.phaseStart + config.minWindow, next);
            }
        }
    }

    function _sooner(uint256 moment, uint256 next) private view returns (uint256) {
        return moment > block.timestamp && moment < next ? moment : next;
    }
}
