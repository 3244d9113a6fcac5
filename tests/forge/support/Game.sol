// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../../interfaces/IFederationTypes.sol";
import {Case} from "./Case.sol";
import {Federation} from "./Federation.sol";
import {LeafTree} from "./LeafTree.sol";
import {Random} from "./Random.sol";
import {Rules} from "./Rules.sol";
import {vm} from "./Vm.sol";

/// @title Round 1 of a random federation, played to the end of Attest.
abstract contract Game is Federation {
    /// @dev All that follows from a seed.
    struct Played {
        uint256 seed;
        IFederationTypes.Config config;
        Case.Inputs inputs;
        LeafTree.Tree right;
        address[] clients;
    }

    uint256 private constant RICH = 2 ** 100;
    bytes32 private constant SALT = keccak256("salt");

    /// @dev Any rule, 1 ... 6 clients, 2 ... 9 leaves of 32 or 64 values of 8 or 16 bits, any subset of updates voted down.
    function _randomGame(uint256 seed) internal returns (Played memory) {
        IFederationTypes.Config memory c = _config();
        c.minClients = 1;
        c.leafCount = uint32(Random.between(Random.next(seed, 1), 2, 9));
        c.leafValues = Random.onceIn(Random.next(seed, 2), 4) ? 64 : 32;
        c.mantissaBits = Random.bits(Random.next(seed, 3));
        c.maxShift = 31 - c.mantissaBits;
        c.serverLr = Random.serverLr(Random.next(seed, 4));
        c.maxClients = uint16(Random.between(Random.next(seed, 5), 1, 6));
        _useRule(Rules.name(Random.next(seed, 7) % Rules.COUNT));
        return _play(seed, c, Random.next(seed, 6));
    }

    /// @dev `c.maxClients` clients join and take part; all vote against those in `rejected`, as far as two thirds are left.
    function _play(uint256 seed, IFederationTypes.Config memory c, uint256 rejected)
        internal
        returns (Played memory p)
    {
        c.stakePerExample = 1;
        (p.seed, p.config) = (seed, c);
        if (address(rule) == address(0)) _useRule("FedAvg");
        p.inputs.prior = _randomGlobal(Random.next(seed, 100), c);
        _deploy(c, p.inputs.prior);
        (uint256[] memory weights, uint256 total) = _join(p);
        rejected = _votes(weights, total, rejected);
        _commitAndReveal(p, weights);
        p.inputs.inputsHash = views.roundView(1).inputsHash;
        uint256 vote = ~rejected & (type(uint256).max >> (256 - p.clients.length));
        for (uint256 i = 0; i < p.clients.length; ++i) {
            _do(p.clients[i], abi.encodeCall(coordinator.attest, (1, p.inputs.inputsHash, vote)));
        }
        _readInputs(p, weights, ~rejected);
        p.right = Case.right(p.inputs);
    }

    /// @dev A complete proposal of these leaf digests.
    function _propose(address proposer, bytes32[] memory digests) internal returns (bytes32) {
        _enrich(proposer, RICH);
        _do(proposer, _proposing(1, 0, digests));
        return LeafTree.root(digests);
    }

    /// @dev `tree` with another value, or other bytes, in one leaf.
    function _spoiled(LeafTree.Tree memory tree, uint256 leaf, uint256 seed)
        internal
        pure
        returns (LeafTree.Tree memory)
    {
        bytes[] memory leaves = new bytes[](tree.leaves.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = tree.leaves[i];
        }
        bytes memory changed = bytes.concat(tree.leaves[leaf]);
        uint256 at = Random.between(seed >> 8, 0, changed.length - 1);
        changed[at] ^= bytes1(uint8(seed % 255) + 1);
        leaves[leaf] = changed;
        return LeafTree.over(leaves);
    }

    function _join(Played memory p) private returns (uint256[] memory weights, uint256 total) {
        p.clients = new address[](p.config.maxClients);
        weights = new uint256[](p.clients.length);
        _enrich(SPONSOR, p.config.roundReward);
        _do(SPONSOR, abi.encodeCall(coordinator.fund, (p.config.roundReward)));
        for (uint256 i = 0; i < weights.length; ++i) {
            weights[i] = Random.weight(Random.next(p.seed, 200 + i));
            total += weights[i];
            p.clients[i] = _account(i);
            _enrich(p.clients[i], RICH);
            uint256 stake = weights[i] < p.config.minStake ? p.config.minStake : weights[i];
            _do(p.clients[i], abi.encodeCall(coordinator.join, (stake)));
        }
    }

    /// @dev The part of `rejected` that all can vote down and have a round: no more than a third of the weight in all.
    function _votes(uint256[] memory weights, uint256 total, uint256 rejected) private pure returns (uint256 mask) {
        uint256 down;
        for (uint256 i = 0; i < weights.length; ++i) {
            if ((rejected >> i) & 1 == 0 || 3 * (down + weights[i]) > total) continue;
            mask |= 1 << i;
            down += weights[i];
        }
    }

    function _commitAndReveal(Played memory p, uint256[] memory weights) private {
        bytes32 prior = p.inputs.prior.root;
        for (uint256 i = 0; i < weights.length; ++i) {
            (bytes32 root, uint8 shift) = (_update(p, i).root, _shift(p, i));
            bytes32 hash = _commitHash(1, p.clients[i], prior, root, shift, uint32(weights[i]), SALT);
            _do(p.clients[i], abi.encodeCall(coordinator.commit, (1, prior, hash)));
        }
        for (uint256 i = 0; i < weights.length; ++i) {
            (bytes32 root, uint8 shift) = (_update(p, i).root, _shift(p, i));
            _do(p.clients[i], abi.encodeCall(coordinator.reveal, (1, root, shift, uint32(weights[i]), SALT, 2, 1)));
        }
    }

    function _readInputs(Played memory p, uint256[] memory weights, uint256 accepted) private view {
        Case.Inputs memory c = p.inputs;
        accepted &= type(uint256).max >> (256 - weights.length);
        vm.assertEq(views.roundView(1).acceptedMask, accepted, "accepted updates");
        uint256 count;
        for (uint256 mask = accepted; mask != 0; mask &= mask - 1) {
            ++count;
        }
        (c.round, c.bits, c.serverLr, c.readable) = (1, p.config.mantissaBits, p.config.serverLr, readable);
        (c.updates, c.weights, c.shifts) = (new LeafTree.Tree[](count), new uint256[](count), new uint256[](count));
        uint256 n;
        for (uint256 i = 0; i < weights.length; ++i) {
            if ((accepted >> i) & 1 == 0) continue;
            (c.updates[n], c.weights[n], c.shifts[n]) = (_update(p, i), weights[i], _shift(p, i));
            ++n;
        }
    }

    function _update(Played memory p, uint256 client) internal pure returns (LeafTree.Tree memory) {
        return _randomTree(Random.next(p.seed, 1_000 + client), p.config, p.config.mantissaBits / 8);
    }

    function _shift(Played memory p, uint256 client) internal pure returns (uint8) {
        return Random.shift(Random.next(p.seed, 2_000 + client), p.config.mantissaBits);
    }
}
