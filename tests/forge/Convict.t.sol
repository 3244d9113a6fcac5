// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDisputes} from "../../interfaces/IDisputes.sol";
import {IFederationTypes} from "../../interfaces/IFederationTypes.sol";
import {Case} from "./support/Case.sol";
import {Game} from "./support/Game.sol";
import {LeafTree} from "./support/LeafTree.sol";
import {Random} from "./support/Random.sol";
import {vm} from "./support/Vm.sol";

/// @title A wrong leaf is convicted by anyone, in one call or in many.
contract ConvictTest is Game {
    /// @dev Any federation, any value of any leaf, any moment of the window (often its last second), any account;
    /// the right one stands.
    function testFuzz_a_wrong_leaf_convicts(uint256 seed, uint256 place, uint256 value, uint256 moment, address anyone)
        public
    {
        Played memory p = _randomGame(seed);
        place %= p.right.leaves.length;
        LeafTree.Tree memory wrong = _spoiled(p.right, place, value);
        _propose(_account(90), wrong.digests);
        _propose(_account(91), p.right.digests);
        vm.warp(block.timestamp + (moment % 4 == 0 ? p.config.challengeLength - 1 : moment % p.config.challengeLength));
        _mustConvict(anyone, Case.proof(p.inputs, wrong.digests, place, 0));
        _standsAlone(p.right.root);
    }

    /// @dev From the end of the window on the round is final, and nothing of it can be convicted.
    function testFuzz_too_late_after_the_window(uint256 seed, uint256 place, uint256 value, uint32 later) public {
        Played memory p = _randomGame(seed);
        place %= p.right.leaves.length;
        LeafTree.Tree memory wrong = _spoiled(p.right, place, value);
        _propose(_account(90), wrong.digests);
        vm.warp(block.timestamp + p.config.challengeLength + (later % 2 == 0 ? 0 : later));
        IDisputes.Proof memory proof = Case.proof(p.inputs, wrong.digests, place, 0);
        bytes memory call = abi.encodeCall(IDisputes.challenge, (coordinator, proof));
        _refused(_account(7), address(disputes), call, IFederationTypes.WrongPhase.selector);
    }

    /// @dev A digest of nothing that anybody knows.
    function testFuzz_a_digest_of_nothing_convicts(uint256 seed, uint256 place, bytes32 digest, address anyone) public {
        Played memory p = _randomGame(seed);
        place %= p.right.leaves.length;
        bytes32[] memory claimed = LeafTree.over(p.right.leaves).digests;
        claimed[place] = digest;
        _propose(_account(90), claimed);
        _mustConvict(anyone, Case.proof(p.inputs, claimed, place, 0));
    }

    /// @dev A global of other inputs than the accepted ones: one of them left out, or weighed differently. It differs in
    /// some leaf unless rounding or the clamp hides it, and then it is the right one.
    function testFuzz_other_inputs_convict(uint256 seed, uint256 which, uint256 weight) public {
        Played memory p = _randomGame(seed);
        which %= p.inputs.updates.length;
        uint256 before = p.inputs.weights[which];
        p.inputs.weights[which] = weight % 4 == 0 && p.inputs.updates.length > 1 ? 0 : Random.weight(weight);
        LeafTree.Tree memory wrong = Case.right(p.inputs);
        p.inputs.weights[which] = before;
        for (uint256 place = 0; place < p.right.leaves.length; ++place) {
            if (wrong.digests[place] == p.right.digests[place]) continue;
            _propose(_account(90), wrong.digests);
            return _mustConvict(_account(7), Case.proof(p.inputs, wrong.digests, place, 0));
        }
        vm.assertEq(wrong.root, p.right.root, "no leaf differs");
    }

    /// @dev Anybody carries from anything that was reached, in any order and as often as they like, junk in between; from
    /// each sum that is kept the case can be closed.
    function testFuzz_a_carried_case_convicts(uint256 seed, uint256 place, uint256 value, uint256 order) public {
        Played memory p = _randomGame(seed);
        place %= p.right.leaves.length;
        uint256 leaf = place % p.config.leafCount;
        LeafTree.Tree memory wrong = _spoiled(p.right, place, value);
        _propose(_account(90), wrong.digests);
        _propose(_account(91), p.right.digests);
        uint256 count = p.inputs.updates.length;
        bool[] memory reached = new bool[](count + 1);
        reached[0] = true;
        for (uint256 i = 0; i < 2 * count; ++i) {
            order = Random.next(order, i);
            uint256 start = order % count;
            if (!reached[start]) {
                _refusesUnknownSums(p.inputs, leaf, start);
                continue;
            }
            uint256 stop = Random.between(order >> 16, start + 1, count);
            _carry(_account(order >> 128), Case.step(p.inputs, leaf, start, stop));
            reached[stop] = true;
        }
        _keeps(p.inputs, leaf, reached);
        uint256 from = order % (count + 1);
        while (!reached[from]) {
            --from;
        }
        _mustConvict(_account(order >> 128), Case.proof(p.inputs, wrong.digests, place, from));
        _standsAlone(p.right.root);
    }

    /// @dev All commits of the next round name the younger of two wrong ones: it is final a case later than the older one
    /// could be, and not with the older one's conviction.
    function test_commits_do_not_shield_the_younger_of_two_wrong_ones() public {
        IFederationTypes.Config memory c = _config();
        c.maxClients = 2;
        Played memory p = _play(3, c, 0);
        (LeafTree.Tree memory older, LeafTree.Tree memory younger) = (_spoiled(p.right, 0, 1), _spoiled(p.right, 0, 2));
        _propose(_account(90), older.digests);
        _propose(_account(91), younger.digests);
        _do(_account(91), abi.encodeCall(coordinator.fund, (c.roundReward)));
        for (uint256 i = 0; i < 2; ++i) {
            _do(p.clients[i], abi.encodeCall(coordinator.commit, (2, younger.root, keccak256("any"))));
        }
        vm.warp(block.timestamp + c.minWindow);
        _challenge(_account(7), Case.proof(p.inputs, older.digests, 0, 0));
        vm.warp(block.timestamp + c.minWindow / 10 - 1);
        IDisputes.Proof memory proof = Case.proof(p.inputs, younger.digests, 0, 0);
        uint256 state = vm.snapshotState();
        _challenge(_account(7), proof);
        vm.assertEq(views.roundView(1).convicted, 2, "convicted");
        vm.revertToState(state);
        vm.warp(block.timestamp + 1);
        bytes memory late = abi.encodeCall(IDisputes.challenge, (coordinator, proof));
        _refused(_account(7), address(disputes), late, IFederationTypes.WrongPhase.selector);
    }

    function _refusesUnknownSums(Case.Inputs memory c, uint256 leaf, uint256 start) private {
        IDisputes.Step memory step = Case.step(c, leaf, start, c.updates.length);
        bytes memory data = abi.encodeCall(IDisputes.carry, (coordinator, step));
        _refused(_account(6), address(disputes), data, IDisputes.UnknownSums.selector);
    }

    /// @dev What was reached, and nothing else, is kept; and it is right.
    function _keeps(Case.Inputs memory c, uint256 leaf, bool[] memory reached) private view {
        bytes32[] memory kept = disputes.carried(coordinator, c.round, leaf);
        vm.assertEq(kept.length, reached.length, "one for every number of updates");
        for (uint256 n = 1; n < kept.length; ++n) {
            bytes32 expected = reached[n] ? Case.digest(Case.sums(c, leaf, n)) : bytes32(0);
            vm.assertEq(kept[n], expected, "sums");
        }
    }

    function _mustConvict(address anyone, IDisputes.Proof memory proof) private {
        IFederationTypes.Proposal memory p = views.proposals(1, ALL)[0];
        vm.assertEq(p.root, proof.proposalRoot, "the oldest live proposal");
        uint256 owed = views.owed(anyone);
        IFederationTypes.Balances memory before = views.balances();
        _challenge(anyone, proof);
        IFederationTypes.Balances memory b = views.balances();
        vm.assertEq(views.owed(anyone) - owed, p.bond / 2, "the bounty");
        vm.assertEq(b.burned - before.burned, p.bond - p.bond / 2, "the burned half");
        vm.assertEq(before.bonds - b.bonds, p.bond, "the bond");
        vm.assertEq(views.roundView(1).convicted, 1, "convicted");
    }

    function _standsAlone(bytes32 root) private view {
        IFederationTypes.Proposal[] memory live = views.proposals(1, ALL);
        vm.assertEq(live.length, 1, "live proposals");
        vm.assertEq(live[0].root, root, "the right one");
    }
}
