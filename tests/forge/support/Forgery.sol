// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDisputes} from "../../../interfaces/IDisputes.sol";
import {Case} from "./Case.sol";
import {LeafTree} from "./LeafTree.sol";
import {Random} from "./Random.sol";

/// @title True proofs made false.
library Forgery {
    /// @notice `call` with one to four bytes changed, or shorter, or longer. Its selector stays.
    function bytesOf(bytes memory call, uint256 seed) internal pure returns (bytes memory forged) {
        uint256 length = call.length;
        if (seed % 8 == 0) length = Random.between(seed >> 16, 4, length);
        if (seed % 8 == 1) length += Random.between(seed >> 16, 1, 100);
        forged = new bytes(length);
        for (uint256 i = 0; i < length && i < call.length; ++i) {
            forged[i] = call[i];
        }
        for (uint256 i = 0; i <= (seed >> 8) % 4 && length > 4; ++i) {
            uint256 s = Random.next(seed, i);
            forged[Random.between(s >> 8, 4, length - 1)] ^= bytes1(uint8(s % 255) + 1);
        }
    }

    /// @notice One part of `proof` becomes another one that is just as well formed.
    function lie(IDisputes.Proof memory proof, Case.Inputs memory truth, uint256 seed) internal pure {
        uint256 kind = seed % 10;
        uint256 other = (seed >> 8) % Case.leafCount(truth); // a leaf of updates
        uint256 place = (seed >> 24) % truth.prior.leaves.length; // a leaf of globals
        if (kind == 0) proof.leafIndex = other;
        if (kind == 1) proof.claimedDigest = bytes32(Random.next(seed, 1));
        if (kind == 2) proof.prior[(seed >> 40) % proof.prior.length] = Case.opening(truth.prior, place);
        if (kind == 3) proof.claimedPath = LeafTree.path(truth.prior.digests, place);
        if (kind == 4) (proof.round, proof.inputsHash) = (seed % 3, bytes32(Random.next(seed, 2)));
        if (kind == 5) proof.start = _sums(truth, proof.leafIndex, seed >> 16);
        if (kind == 8) proof.part = _another(proof.part, proof.prior.length, seed >> 16);
        if (kind == 9) proof.prior = _resized(proof.prior, _another(proof.prior.length, 3, seed >> 16));
        if (kind == 6 || kind == 7) proof.updates = _updates(proof.updates, truth, proof.leafIndex, seed >> 16);
        // A start that is said to hold the first ones, with these left out.
        if (kind == 5 && (seed >> 8) % 2 == 0 && proof.start.count < truth.updates.length) {
            proof.updates = Case.openings(truth, proof.leafIndex, proof.start.count, truth.updates.length);
        }
    }

    /// @notice The same for a step.
    function lie(IDisputes.Step memory step, Case.Inputs memory truth, uint256 seed) internal pure {
        uint256 kind = seed % 4;
        if (kind == 0) step.leafIndex = (seed >> 8) % Case.leafCount(truth);
        if (kind == 1) step.start = _sums(truth, step.leafIndex, seed >> 16);
        if (kind == 2) step.updates = _updates(step.updates, truth, step.leafIndex, seed >> 16);
        if (kind == 3) step.start.count = (seed >> 8) % 8;
    }

    /// @dev Sums of another leaf or number of updates, with another weight, or with a value changed.
    function _sums(Case.Inputs memory truth, uint256 leaf, uint256 seed)
        private
        pure
        returns (IDisputes.Sums memory s)
    {
        uint256 other = (seed >> 8) % Case.leafCount(truth);
        s = Case.sums(truth, seed % 2 == 0 ? other : leaf, Random.between(seed >> 16, 0, truth.updates.length));
        if ((seed >> 32) % 4 == 0) s.weight ^= uint64(seed >> 64);
        if ((seed >> 32) % 4 == 1) s.count = (seed >> 40) % 8;
        if ((seed >> 32) % 4 == 2 && s.values.length > 0) s.values[(seed >> 64) % s.values.length] ^= 0x01;
    }

    /// @dev Openings in another order, one twice, one of another leaf, one with another path, one missing or too many.
    function _updates(IDisputes.Opening[] memory list, Case.Inputs memory truth, uint256 leaf, uint256 seed)
        private
        pure
        returns (IDisputes.Opening[] memory)
    {
        uint256 kind = seed % 6;
        (uint256 a, uint256 b) = ((seed >> 8) % list.length, (seed >> 24) % list.length);
        uint256 other = (seed >> 40) % Case.leafCount(truth);
        if (kind == 0) (list[a], list[b]) = (list[b], list[a]);
        if (kind == 1) list[a] = list[b];
        if (kind == 2) list[a] = Case.opening(truth.updates[(seed >> 56) % truth.updates.length], other);
        if (kind == 3) list[a].path = LeafTree.path(truth.updates[a].digests, other);
        if (kind == 4) list[a] = Case.opening(truth.prior, leaf);
        if (kind == 5) return _resized(list, Random.between(seed >> 40, 0, list.length + 1));
        return list;
    }

    /// @dev Not `value`: one below `end`, or anything.
    function _another(uint256 value, uint256 end, uint256 seed) private pure returns (uint256 other) {
        other = seed % 2 == 0 ? (seed >> 8) % end : seed % 10;
        if (other == value) ++other;
    }

    function _resized(IDisputes.Opening[] memory list, uint256 length)
        private
        pure
        returns (IDisputes.Opening[] memory result)
    {
        result = new IDisputes.Opening[](length);
        for (uint256 i = 0; i < length; ++i) {
            result[i] = list[i % list.length];
        }
    }
}
