// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../interfaces/IFederationTypes.sol";
import {Game} from "./support/Game.sol";
import {LeafTree} from "./support/LeafTree.sol";
import {Random} from "./support/Random.sol";
import {vm} from "./support/Vm.sol";

/// @title The coordinator's list of live proposals beside a plain one.
contract ListTest is Game {
    uint256 private constant STEPS = 60;

    IFederationTypes.Proposal[] private _live; // oldest first
    uint256 private _completed;

    /// @dev Any sequence of proposals and convictions, most of them at the ends.
    /// forge-config: default.fuzz.runs = 12
    /// forge-config: ci.fuzz.runs = 32
    function testFuzz_the_list_is_the_plain_one(uint256 seed) public {
        IFederationTypes.Config memory c = _config();
        (c.maxClients, c.challengeLength) = (2, 10_000);
        Played memory p = _play(seed, c, 0);
        for (uint256 i = 0; i < STEPS; ++i) {
            uint256 s = Random.next(seed, i);
            if (_live.length == 0 || s % 8 < (i / 15 % 2 == 0 ? 6 : 2)) _add(p.config, i);
            else _convict(s >> 8);
            _isSame(s >> 16);
            vm.warp(block.timestamp + (s >> 32) % 3);
        }
        while (_live.length > 0) {
            _convict(Random.next(seed, _live.length));
            _isSame(0);
        }
        vm.assertTrue(views.roundView(1).phase == IFederationTypes.Phase.Aggregate, "none is live");
        _add(p.config, STEPS);
        _isSame(0);
    }

    function _add(IFederationTypes.Config memory c, uint256 salt) private {
        bytes32[] memory digests = new bytes32[](c.leafCount);
        digests[0] = bytes32(salt);
        address proposer = _account(1_000 + salt);
        bytes32 root = _propose(proposer, digests);
        uint256 end = block.timestamp + c.challengeLength + _completed++ * c.minWindow / 10;
        _live.push(IFederationTypes.Proposal(proposer, root, c.bondBase, uint64(block.timestamp), uint64(end)));
    }

    function _convict(uint256 seed) private {
        uint256 at = [0, _live.length - 1, (seed >> 8) % _live.length][seed % 3];
        bytes32 root = _live[at].root;
        _do(address(disputes), abi.encodeCall(coordinator.convict, (1, root, SPONSOR)));
        for (uint256 i = at; i + 1 < _live.length; ++i) {
            _live[i] = _live[i + 1];
        }
        _live.pop();
        bytes memory again = abi.encodeCall(coordinator.convict, (1, root, SPONSOR));
        bool isLast = _live.length == 0;
        bytes4 reason = isLast ? IFederationTypes.WrongPhase.selector : IFederationTypes.NoSuchProposal.selector;
        _refused(address(disputes), address(coordinator), again, reason);
    }

    function _isSame(uint256 limit) private view {
        IFederationTypes.Proposal[] memory live = _live;
        vm.assertEq(keccak256(abi.encode(views.proposals(1, ALL))), keccak256(abi.encode(live)), "the list");
        IFederationTypes.RoundView memory v = views.roundView(1);
        vm.assertTrue(v.live == live.length && v.convicted == _completed - live.length, "how many");
        if (live.length == 0) return;
        vm.assertEq(v.phaseEnd, live[0].windowEnd, "the oldest one's window");
        vm.assertEq(views.proposals(1, limit % live.length).length, limit % live.length, "some of them");
        IFederationTypes.Proposal memory last = live[live.length - 1];
        IFederationTypes.Proposal memory found = views.proposal(1, last.root);
        vm.assertEq(keccak256(abi.encode(found)), keccak256(abi.encode(last)), "one of them");
    }
}
