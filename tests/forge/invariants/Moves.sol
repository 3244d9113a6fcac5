// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDisputes} from "../../../interfaces/IDisputes.sol";
import {IFederationTypes} from "../../../interfaces/IFederationTypes.sol";
import {IMaskedRule} from "../../../interfaces/IMaskedRule.sol";
import {Case} from "../support/Case.sol";
import {LeafTree} from "../support/LeafTree.sol";
import {Listener} from "../support/Listener.sol";
import {Random} from "../support/Random.sol";
import {Vm, vm} from "../support/Vm.sol";
import {Truth} from "./Truth.sol";

/// @title Single calls of a round, with what they mean noted.
abstract contract Moves is Truth, Listener {
    bytes32 private constant SALT = keccak256("salt");

    mapping(bytes32 leaf => mapping(uint256 count => bool)) internal reached; // sums that are kept

    /// @dev What a client that does as it should takes for the prior: the final root, or what it computed itself.
    function _honestPrior(uint256 round) internal returns (bytes32) {
        bytes32 known = views.roundView(round).priorRoot;
        if (known != 0) return known;
        if (round > 1 && _phase(round - 1) < IFederationTypes.Phase.Final && _isFixed(round - 1)) {
            return _rightRoot(round - 1);
        }
        (, bytes32 root) = views.latestFinal();
        return root;
    }

    function _commit(address client, uint256 round, bytes32 prior, uint256 seed) internal returns (bool) {
        uint8 shift = masked ? 0 : Random.shift(Random.next(seed, 1), config.mantissaBits);
        uint32 examples = uint32(Random.between(Random.next(seed, 2), 1, 300));
        bytes32 root = _update(seed).root;
        bytes32 hash = _commitHash(round, client, prior, root, shift, examples, SALT);
        if (!_try("commit", client, abi.encodeCall(coordinator.commit, (round, prior, hash)))) return false;
        if (promises[round][client].examples == 0) committers[round].push(client);
        promises[round][client] = Promise(prior, seed, shift, examples, false, false);
        return true;
    }

    function _reveal(address client, uint256 round) internal returns (bool ok) {
        Promise storage p = promises[round][client];
        bytes32 root = _update(p.seed).root;
        bytes memory call =
            abi.encodeCall(coordinator.reveal, (round, root, p.shift, p.examples, SALT, 4_170_000, 1_750_000));
        ok = _try("reveal", client, call);
        if (ok) p.revealed = true;
    }

    function _attest(address client, uint256 round, uint256 bitmap) internal returns (bool ok) {
        bytes32 inputsHash = views.roundView(round).inputsHash;
        ok = _try("attest", client, abi.encodeCall(coordinator.attest, (round, inputsHash, bitmap)));
        if (ok) promises[round][client].attested = true;
    }

    /// @dev A vote for everything that was revealed.
    function _vouch(address client, uint256 round) internal returns (bool) {
        return _attest(client, round, (1 << views.roundView(round).revealed) - 1);
    }

    function _propose(string memory kind, address proposer, uint256 round, bytes32[] memory digests)
        internal
        returns (bool ok)
    {
        uint256 price = views.bondOf(proposer);
        uint256 bonds = views.balances().bonds;
        vm.recordLogs();
        ok = _try(kind, proposer, _proposing(round, 0, digests));
        Vm.Log[] memory logs = vm.getRecordedLogs(); // those of a call that reverted too
        if (!ok) return false;
        _listen(address(coordinator), logs);
        IFederationTypes.Proposal memory p = views.proposal(round, LeafTree.root(digests));
        vm.assertEq(price, config.bondBase << (convictions[proposer] < 6 ? convictions[proposer] : 6), "its own price");
        vm.assertTrue(p.bond == price && p.proposer == proposer, "the proposal");
        vm.assertLe(views.balances().bonds, bonds + price, "bonds, less one of its own that it collected");
        _queue(round, p);
    }

    function _proposeRight(address proposer, uint256 round) internal returns (bool) {
        bytes32 root = _rightRoot(round);
        return _propose("propose, right", proposer, round, LeafTree.over(globals[root]).digests);
    }

    /// @dev Sums over the accepted updates start ... stop - 1 onto those before. Refused exactly if nobody reached these.
    function _carry(address account, Case.Inputs memory c, uint256 leaf, uint256 start, uint256 stop) internal {
        bytes32 key = keccak256(abi.encode(c.round, leaf));
        IDisputes.Step memory step = Case.step(c, leaf, start, stop);
        bool ok = _try("carry", account, address(disputes), abi.encodeCall(IDisputes.carry, (coordinator, step)));
        vm.assertTrue(ok == (start == 0 || reached[key][start]), "sums that were reached can be continued, no others");
        if (ok) reached[key][stop] = true;
    }

    /// @dev Any account convicts a live proposal that is wrong: it always can.
    function _convict(address account, uint256 round, IFederationTypes.Proposal memory p) internal {
        uint256 before = views.owed(account);
        vm.assertTrue(_challengeWrong("challenge", account, round, p.root), "a wrong proposal stands");
        lostBonds[p.proposer] += p.bond;
        ++convictions[p.proposer];
        _unqueue(round, p.root);
        burnedBonds += p.bond - p.bond / 2;
        vm.assertGe(views.owed(account), before + p.bond / 2, "the bounty");
    }

    /// @dev Any account voids a masked round whose sums at a leaf no honest updates have; and no other one.
    function _impeach(address account, Case.Inputs memory c, uint256 leaf) internal {
        IDisputes.Sums memory all = Case.sums(c, leaf, c.updates.length);
        bool isGarbage = IMaskedRule(address(readable)).exceeds(all.values, all.weight);
        IDisputes.Step memory step = Case.step(c, leaf, _mostReached(c, leaf), c.updates.length);
        string memory kind = isGarbage ? "impeach" : "impeach, in range";
        bool ok = _try(kind, account, address(disputes), abi.encodeCall(IDisputes.impeach, (coordinator, step)));
        vm.assertTrue(ok == isGarbage, "garbage can be shown to be that, and nothing else");
    }

    function _convictTooLate(address account, uint256 round, bytes32 root) internal {
        vm.assertFalse(_challengeWrong("challenge, too late", account, round, root), "convicted after the window");
    }

    /// @dev The true proof, from the largest sum that is kept.
    function _challengeWrong(string memory kind, address account, uint256 round, bytes32 root) private returns (bool) {
        Case.Inputs memory c = _inputs(round);
        bytes32[] memory claimed = heard[root];
        uint256 place = _difference(claimed, LeafTree.over(globals[_rightRoot(round)]).digests);
        uint256 start = _mostReached(c, place % config.leafCount);
        bytes memory call = abi.encodeCall(IDisputes.challenge, (coordinator, Case.proof(c, claimed, place, start)));
        return _try(kind, account, address(disputes), call);
    }

    /// @dev How many updates the largest sum at a leaf has that is kept.
    function _mostReached(Case.Inputs memory c, uint256 leaf) private view returns (uint256 count) {
        count = c.updates.length;
        while (count > 0 && !reached[keccak256(abi.encode(c.round, leaf))][count]) {
            --count;
        }
    }
}
