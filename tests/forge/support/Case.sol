// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../../interfaces/IAggregationRule.sol";
import {IDisputes} from "../../../interfaces/IDisputes.sol";
import {LeafTree} from "./LeafTree.sol";

/// @title A round's inputs, what the rule makes of them, and the calls that prove it.
/// @dev `leaf` is the number of a leaf of updates, and `place` that of a leaf of globals, which have one such leaf for
/// each of the rule's parts.
library Case {
    struct Inputs {
        uint256 round;
        bytes32 inputsHash;
        uint256 bits;
        uint32 serverLr;
        IAggregationRule readable; // the rule as one reads it, which no federation uses
        LeafTree.Tree prior;
        LeafTree.Tree[] updates; // the accepted ones, by index
        uint256[] weights;
        uint256[] shifts;
    }

    /// @notice The next global.
    function right(Inputs memory c) internal view returns (LeafTree.Tree memory) {
        bytes[] memory leaves = new bytes[](c.prior.leaves.length);
        uint256 count = leafCount(c);
        for (uint256 leaf = 0; leaf < count; ++leaf) {
            IDisputes.Sums memory all = sums(c, leaf, c.updates.length);
            bytes memory prior;
            for (uint256 place = leaf; place < leaves.length; place += count) {
                prior = bytes.concat(prior, c.prior.leaves[place]);
            }
            bytes memory next = c.readable.finish(all.values, prior, all.weight, c.serverLr);
            for (uint256 place = leaf; place < leaves.length; place += count) {
                leaves[place] = _part(next, place / count, c.prior.leaves[place].length);
            }
        }
        return LeafTree.over(leaves);
    }

    /// @notice Partial sums at a leaf after the first `count` updates.
    function sums(Inputs memory c, uint256 leaf, uint256 count) internal pure returns (IDisputes.Sums memory s) {
        s.count = count;
        for (uint256 i = 0; i < count; ++i) {
            (uint32 weight, uint8 shift) = (uint32(c.weights[i]), uint8(c.shifts[i]));
            s.values = c.readable.accumulate(s.values, c.updates[i].leaves[leaf], uint8(c.bits), weight, shift);
            s.weight += weight;
        }
    }

    /// @notice The number of leaves of an update.
    function leafCount(Inputs memory c) internal pure returns (uint256) {
        return c.updates[0].leaves.length;
    }

    /// @notice What `Disputes` keeps of these sums.
    function digest(IDisputes.Sums memory s) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(s.weight, s.values));
    }

    /// @notice The call that carries the sums from `start` to `stop` updates.
    function step(Inputs memory c, uint256 leaf, uint256 start, uint256 stop)
        internal
        pure
        returns (IDisputes.Step memory)
    {
        return IDisputes.Step(c.round, c.inputsHash, leaf, sums(c, leaf, start), openings(c, leaf, start, stop));
    }

    /// @notice The proof against a leaf of the proposal with these leaf digests, from the sums of `start` updates on.
    function proof(Inputs memory c, bytes32[] memory claimed, uint256 place, uint256 start)
        internal
        pure
        returns (IDisputes.Proof memory)
    {
        uint256 count = leafCount(c);
        uint256 leaf = place % count;
        IDisputes.Opening[] memory prior = new IDisputes.Opening[](c.prior.leaves.length / count);
        for (uint256 part = 0; part < prior.length; ++part) {
            prior[part] = opening(c.prior, part * count + leaf);
        }
        return IDisputes.Proof(
            c.round,
            LeafTree.root(claimed),
            c.inputsHash,
            leaf,
            place / count,
            prior,
            claimed[place],
            LeafTree.path(claimed, place),
            sums(c, leaf, start),
            openings(c, leaf, start, c.updates.length)
        );
    }

    function opening(LeafTree.Tree memory tree, uint256 leaf) internal pure returns (IDisputes.Opening memory) {
        return IDisputes.Opening(tree.leaves[leaf], LeafTree.path(tree.digests, leaf));
    }

    function openings(Inputs memory c, uint256 leaf, uint256 start, uint256 stop)
        internal
        pure
        returns (IDisputes.Opening[] memory list)
    {
        list = new IDisputes.Opening[](stop - start);
        for (uint256 i = start; i < stop; ++i) {
            list[i - start] = opening(c.updates[i], leaf);
        }
    }

    /// @dev Part number `part` of a finished leaf, `length` bytes.
    function _part(bytes memory whole, uint256 part, uint256 length) private pure returns (bytes memory result) {
        require(whole.length >= (part + 1) * length, "no such part");
        result = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            result[i] = whole[part * length + i];
        }
    }
}
