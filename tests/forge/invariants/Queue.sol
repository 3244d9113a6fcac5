// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../../interfaces/IFederationTypes.sol";
import {World} from "./World.sol";
import {vm} from "../support/Vm.sol";

/// @title The live proposals of each round as a plain list, beside the coordinator's.
abstract contract Queue is World {
    mapping(uint256 round => IFederationTypes.Proposal[]) private _live;
    mapping(uint256 round => uint256) private _completed;

    /// @dev A proposal was completed: it is the youngest, and stands a case longer for each before it.
    function _queue(uint256 round, IFederationTypes.Proposal memory p) internal {
        uint256 end = block.timestamp + config.challengeLength + _completed[round]++ * config.minWindow / 10;
        vm.assertTrue(p.completedAt == block.timestamp && p.windowEnd == end, "its window");
        _live[round].push(p);
    }

    /// @dev The proposal with this root was convicted.
    function _unqueue(uint256 round, bytes32 root) internal {
        IFederationTypes.Proposal[] storage live = _live[round];
        uint256 i;
        while (live[i].root != root) {
            ++i;
        }
        for (; i + 1 < live.length; ++i) {
            live[i] = live[i + 1];
        }
        live.pop();
    }

    function _isQueued(uint256 round) internal view {
        IFederationTypes.Proposal[] storage live = _live[round];
        vm.assertEq(keccak256(abi.encode(views.proposals(round, ALL))), keccak256(abi.encode(live)), "the list");
        IFederationTypes.RoundView memory v = views.roundView(round);
        vm.assertEq(v.live, live.length, "how many are live");
        vm.assertEq(v.convicted, _completed[round] - live.length, "how many are not");
    }
}
