// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDisputes} from "../../interfaces/IDisputes.sol";
import {IFederationCoordinator} from "../../interfaces/IFederationCoordinator.sol";
import {IMembershipGate} from "../../interfaces/IMembershipGate.sol";
import {Case} from "./support/Case.sol";
import {Game} from "./support/Game.sol";
import {LeafTree} from "./support/LeafTree.sol";
import {vm} from "./support/Vm.sol";

interface IGateMock {
    function setMode(uint8 mode) external;
}

/// @title 256 clients and eight live proposals: the most that a round can hold.
/// @dev `_must` holds every call here to 2^24 gas.
contract LargestTest is Game {
    uint256 private constant CLIENTS = 256;
    uint256 private constant LIVE = 8;

    /// @dev Eight wrong ones put up 191 bonds and lose them all; the right one waits for the first conviction.
    function test_eight_wrong_proposals_side_by_side() public {
        Played memory p = _largest();
        LeafTree.Tree[] memory wrong = new LeafTree.Tree[](LIVE);
        for (uint256 i = 0; i < LIVE; ++i) {
            wrong[i] = _spoiled(p.right, 1, 1 + i);
            vm.assertEq(coordinator.bondOf(1), p.config.bondBase << (i < 6 ? i : 6), "the bond doubles");
            _propose(_account(500 + i), wrong[i].digests);
        }
        vm.assertEq(coordinator.balances().bonds, 191 * p.config.bondBase, "all bonds");
        address honest = _account(600);
        _enrich(honest, 2 ** 100);
        bytes memory right = abi.encodeCall(coordinator.propose, (1, 0, p.right.digests));
        _refused(honest, address(coordinator), right, IFederationCoordinator.TooManyProposals.selector);

        uint256 from = _carryAll(p.inputs, 1);
        for (uint256 i = 0; i < LIVE; ++i) {
            _challenge(honest, Case.proof(p.inputs, wrong[LIVE - 1 - i].digests, 1, from));
            if (i == 0) _do(honest, right);
        }
        IFederationCoordinator.Balances memory b = coordinator.balances();
        vm.assertEq(b.bonds, 64 * p.config.bondBase, "the right one's bond");
        vm.assertEq(coordinator.owed(honest) + b.burned, 191 * p.config.bondBase, "bounties and what was burned");
        vm.warp(block.timestamp + p.config.challengeLength);
        _do(honest, abi.encodeCall(coordinator.settle, (honest)));
        (, bytes32 root) = coordinator.latestFinal();
        vm.assertEq(root, p.right.root, "the final global");
    }

    /// @dev The dearest settlement: every share of 256 clients and eight bonds, in somebody's call.
    function test_settlement_of_256_shares_and_eight_bonds() public {
        Played memory p = _largest();
        for (uint256 i = 0; i < LIVE; ++i) {
            _propose(_account(500 + i), _spoiled(p.right, 0, 1 + i).digests);
        }
        vm.warp(block.timestamp + p.config.challengeLength);
        uint256 gas = _do(_account(700), abi.encodeCall(coordinator.settle, (p.clients[255])));
        vm.assertLt(gas, TRANSACTION_GAS / 4, "settlement");
        vm.assertEq(coordinator.balances().bonds, 0, "bonds");
        for (uint256 i = 0; i < CLIENTS; ++i) {
            _do(SPONSOR, abi.encodeCall(coordinator.settle, (p.clients[i])));
        }
        uint256 owed = coordinator.balances().owed;
        for (uint256 i = 0; i < CLIENTS; ++i) {
            owed -= coordinator.owed(p.clients[i]);
        }
        for (uint256 i = 0; i < LIVE; ++i) {
            owed -= coordinator.owed(_account(500 + i));
        }
        vm.assertEq(owed, 0, "owed to all of them together");
    }

    /// @dev A gate that burns all it gets, or answers with 100,000 bytes, has its 200,000 gas and no more.
    function test_a_gate_takes_no_more_than_its_gas() public {
        IFederationCoordinator.Config memory c = _config();
        address gate = vm.deployCode("GateMock.sol:GateMock");
        c.gate = IMembershipGate(gate);
        _deploy(c, _randomTree(1, c, 4));
        address client = _account(1);
        _enrich(client, c.minStake);
        bytes memory join = abi.encodeCall(coordinator.join, (c.minStake));
        for (uint8 mode = 5; mode <= 6; ++mode) {
            IGateMock(gate).setMode(mode);
            _refused(client, address(coordinator), join, IFederationCoordinator.NotAllowed.selector);
            vm.assertLt(vm.lastCallGas().gasTotalUsed, 300_000, "a refused join");
        }
        IGateMock(gate).setMode(0);
        _do(client, join);
    }

    function _largest() private returns (Played memory) {
        IFederationCoordinator.Config memory c = _config();
        (c.maxClients, c.leafCount) = (uint16(CLIENTS), 2);
        (c.trainLength, c.revealLength, c.attestLength) = (3_000, 3_000, 3_000);
        return _play(256, c, 0);
    }

    /// @dev All but the last 56 updates, in calls of 100 by different accounts.
    function _carryAll(Case.Inputs memory c, uint256 leaf) private returns (uint256) {
        _carry(_account(601), Case.step(c, leaf, 0, 100));
        _carry(_account(602), Case.step(c, leaf, 100, 200));
        return 200;
    }
}
