// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDisputes} from "../../interfaces/IDisputes.sol";
import {IFederationTypes} from "../../interfaces/IFederationTypes.sol";
import {Case} from "./support/Case.sol";
import {Game} from "./support/Game.sol";
import {Forgery} from "./support/Forgery.sol";
import {LeafTree} from "./support/LeafTree.sol";
import {Random} from "./support/Random.sol";
import {vm} from "./support/Vm.sol";

/// @title A correct aggregate cannot be convicted, whatever is handed in.
contract SlanderTest is Game {
    uint256 private constant ATTEMPTS = 12;

    /// @dev Proofs of any leaf that are true, but for bytes of the call changed, cut off or added.
    function testFuzz_a_correct_aggregate_survives_any_bytes(uint256 seed, uint256 attack) public {
        Played memory p = _proposed(seed);
        for (uint256 i = 0; i < ATTEMPTS; ++i) {
            attack = Random.next(attack, i);
            bytes memory call = abi.encodeCall(IDisputes.challenge, (coordinator, _anyProof(p, attack)));
            _attempt(attack, Forgery.bytesOf(call, Random.next(attack, 1)));
        }
        _standsUnharmed(p.right.root);
    }

    /// @dev Proofs that are well formed and lie: leaves, paths, places, weights and digests put where they do not belong.
    function testFuzz_a_correct_aggregate_survives_any_lie(uint256 seed, uint256 attack) public {
        Played memory p = _proposed(seed);
        for (uint256 i = 0; i < ATTEMPTS; ++i) {
            attack = Random.next(attack, i);
            IDisputes.Proof memory proof = _anyProof(p, attack);
            Forgery.lie(proof, p.inputs, Random.next(attack, 1));
            _attempt(attack, abi.encodeCall(IDisputes.challenge, (coordinator, proof)));
        }
        _standsUnharmed(p.right.root);
    }

    /// @dev Sums that others carried, from calls with anything changed, are right or not there; no proof can start from
    /// them and convict.
    function testFuzz_a_correct_aggregate_survives_any_carried_sums(uint256 seed, uint256 leaf, uint256 attack) public {
        Played memory p = _proposed(seed);
        leaf %= p.config.leafCount;
        uint256 count = p.inputs.updates.length;
        for (uint256 i = 0; i < ATTEMPTS; ++i) {
            attack = Random.next(attack, i);
            uint256 start = attack % count;
            uint256 stop = Random.between(attack >> 16, start + 1, count);
            IDisputes.Step memory step = Case.step(p.inputs, leaf, start, stop);
            if (i % 2 == 0) Forgery.lie(step, p.inputs, Random.next(attack, 1));
            bytes memory call = abi.encodeCall(IDisputes.carry, (coordinator, step));
            if (i % 4 == 3) call = Forgery.bytesOf(call, Random.next(attack, 2));
            _attempt(attack, call);
        }
        bytes32[] memory kept = disputes.carried(coordinator, 1, leaf);
        for (uint256 n = 0; n < kept.length; ++n) {
            bytes32 right = n == 0 ? bytes32(0) : Case.digest(Case.sums(p.inputs, leaf, n));
            vm.assertTrue(kept[n] == 0 || kept[n] == right, "wrong sums were kept");
            IDisputes.Proof memory proof = Case.proof(p.inputs, p.right.digests, leaf, n);
            _attempt(attack, abi.encodeCall(IDisputes.challenge, (coordinator, proof)));
        }
        _standsUnharmed(p.right.root);
    }

    /// @dev With the right aggregate proposed, and nothing else.
    function _proposed(uint256 seed) private returns (Played memory p) {
        p = _randomGame(seed);
        _propose(_account(90), p.right.digests);
    }

    /// @dev The truth about any leaf of it, from the beginning; or what would convict a wrong one, against this one.
    function _anyProof(Played memory p, uint256 seed) private pure returns (IDisputes.Proof memory proof) {
        uint256 place = (seed >> 32) % p.right.leaves.length;
        if (seed % 2 == 0) return Case.proof(p.inputs, p.right.digests, place, 0);
        proof = Case.proof(p.inputs, _spoiled(p.right, place, seed >> 64).digests, place, 0);
        proof.proposalRoot = p.right.root;
    }

    /// @dev A call of Disputes that may do what it wants.
    function _attempt(uint256 seed, bytes memory call) private {
        _send(_account(seed % 100), address(disputes), call);
    }

    function _standsUnharmed(bytes32 root) private view {
        IFederationTypes.Proposal[] memory live = views.proposals(1, ALL);
        vm.assertEq(live.length, 1, "live proposals");
        vm.assertEq(live[0].root, root, "the right one");
        vm.assertEq(views.roundView(1).convicted, 0, "convicted");
    }
}
