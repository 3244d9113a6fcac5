// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../interfaces/IFederationTypes.sol";
import {Case} from "./support/Case.sol";
import {Game} from "./support/Game.sol";
import {LeafTree} from "./support/LeafTree.sol";
import {vm} from "./support/Vm.sol";

/// @title 256 clients and three hundred live proposals.
/// @dev `_must` holds every call here to 2^24 gas.
contract LargestTest is Game {
    uint256 private constant CLIENTS = 256;
    uint256 private constant LIVE = 300;
    uint256 private constant CASE = 2; // seconds: minWindow / 10

    mapping(uint256 i => uint256) private _proposeGas;

    /// @dev One verifier needs all the time that a case may take for each, and has it; the right one, made last, costs what
    /// it would alone. No call is dearer for those that are live.
    function test_three_hundred_wrong_proposals_side_by_side() public {
        Played memory p = _largest();
        bytes32[] memory wrong = _lies(p.right.digests);
        address honest = _account(900);
        _enrich(honest, 2 ** 100);
        vm.assertEq(views.bondOf(honest), p.config.bondBase, "the price of being right");
        uint256 gas = _do(honest, _proposing(1, 0, p.right.digests));
        vm.assertLe(100 * gas, 101 * _proposeGas[2], "propose, beside three hundred");
        vm.assertEq(views.balances().bonds, (LIVE + 1) * p.config.bondBase, "all bonds");
        vm.assertEq(views.proposals(1, ALL).length, LIVE + 1, "live");

        uint256 first;
        for (uint256 i = 0; i < LIVE; ++i) {
            vm.warp(block.timestamp + CASE);
            gas = _do(address(disputes), abi.encodeCall(coordinator.convict, (1, wrong[i], honest)));
            if (i == 1) first = gas;
            if (i > 1) vm.assertLe(100 * gas, 101 * first, "convict, of many");
        }
        IFederationTypes.Balances memory b = views.balances();
        vm.assertEq(b.bonds, p.config.bondBase, "the right one's bond");
        vm.assertEq(views.owed(honest) + b.burned, LIVE * p.config.bondBase, "bounties and what was burned");
        vm.warp(views.roundView(1).phaseEnd);
        _do(honest, abi.encodeCall(coordinator.settle, (honest)));
        (, bytes32 root) = views.latestFinal();
        vm.assertEq(root, p.right.root, "the final global");
    }

    /// @dev The proof itself, of 256 updates: from sums that others carried, against the last of many.
    function test_a_case_against_the_last_of_many() public {
        Played memory p = _largest();
        _lies(p.right.digests);
        LeafTree.Tree memory wrong = _spoiled(p.right, 1, 1);
        _propose(_account(900), wrong.digests);
        uint256 from = _carryAll(p.inputs, 1);
        _challenge(_account(901), Case.proof(p.inputs, wrong.digests, 1, from));
        vm.assertEq(views.roundView(1).live, LIVE, "live");
    }

    /// @dev The dearest settlement: every share of 256 clients, in somebody's call. Those who lost collect their own bonds.
    function test_settlement_of_256_shares_beside_three_hundred_bonds() public {
        Played memory p = _largest();
        _lies(p.right.digests);
        vm.warp(views.roundView(1).phaseEnd);
        uint256 gas = _do(_account(900), abi.encodeCall(coordinator.settle, (p.clients[255])));
        vm.assertLt(gas, TRANSACTION_GAS / 4, "settlement");
        vm.assertEq(views.balances().bonds, (LIVE - 1) * p.config.bondBase, "bonds of those who lost");
        for (uint256 i = 0; i < CLIENTS; ++i) {
            _do(SPONSOR, abi.encodeCall(coordinator.settle, (p.clients[i])));
        }
        for (uint256 i = 0; i < LIVE; ++i) {
            vm.assertEq(views.bondDue(_account(500 + i)), i == 0 ? 0 : p.config.bondBase, "due");
            _do(_account(500 + i), abi.encodeCall(coordinator.claim, ()));
            vm.assertEq(views.bondDue(_account(500 + i)), 0, "still due");
        }
        uint256 owed = views.balances().owed;
        for (uint256 i = 0; i < CLIENTS; ++i) {
            owed -= views.owed(p.clients[i]);
        }
        vm.assertEq(owed, 0, "owed to all of them together");
        vm.assertEq(views.balances().bonds, 0, "bonds");
    }

    function _largest() private returns (Played memory) {
        IFederationTypes.Config memory c = _config();
        (c.maxClients, c.leafCount) = (uint16(CLIENTS), 2);
        (c.trainLength, c.revealLength, c.attestLength) = (3_000, 3_000, 3_000);
        return _play(256, c, 0);
    }

    /// @dev Three hundred wrong ones, each by another account; no one of them is dearer than the third.
    function _lies(bytes32[] memory right) private returns (bytes32[] memory roots) {
        roots = new bytes32[](LIVE);
        bytes32[] memory digests = new bytes32[](2);
        digests[0] = right[0];
        for (uint256 i = 0; i < LIVE; ++i) {
            digests[1] = keccak256(abi.encode("wrong", i));
            roots[i] = LeafTree.root(digests);
            _enrich(_account(500 + i), 2 ** 100);
            _proposeGas[i] = _do(_account(500 + i), _proposing(1, 0, digests));
            if (i > 2) vm.assertLe(100 * _proposeGas[i], 101 * _proposeGas[2], "propose, of many");
        }
    }

    /// @dev All but the last 56 updates, in calls of 100 by different accounts.
    function _carryAll(Case.Inputs memory c, uint256 leaf) private returns (uint256) {
        _carry(_account(902), Case.step(c, leaf, 0, 100));
        _carry(_account(903), Case.step(c, leaf, 100, 200));
        return 200;
    }
}
