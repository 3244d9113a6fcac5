// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDisputes} from "../../../interfaces/IDisputes.sol";
import {Formula} from "./Formula.sol";
import {LeafTree} from "./LeafTree.sol";

/// @title A round's inputs, what FedAvg makes of them, and the calls that prove it.
library Case {
    struct Inputs {
        uint256 round;
        bytes32 inputsHash;
        uint256 bits;
        uint256 serverLr;
        LeafTree.Tree prior;
        LeafTree.Tree[] updates; // the accepted ones, by index
        uint256[] weights;
        uint256[] shifts;
    }

    /// @notice The next global.
    function right(Inputs memory c) internal pure returns (LeafTree.Tree memory) {
        bytes[] memory leaves = new bytes[](c.prior.leaves.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = Formula.leaf(terms(c, i, c.updates.length), c.prior.leaves[i]);
        }
        return LeafTree.over(leaves);
    }

    /// @notice Partial sums at a leaf after the first `count` updates.
    function sums(Inputs memory c, uint256 leaf, uint256 count) internal pure returns (IDisputes.Sums memory s) {
        if (count == 0) return s;
        s.count = count;
        for (uint256 i = 0; i < count; ++i) {
            s.weight += uint64(c.weights[i]);
        }
        s.values = Formula.sums(terms(c, leaf, count), c.prior.leaves[leaf].length / 4);
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
    function proof(Inputs memory c, bytes32[] memory claimed, uint256 leaf, uint256 start)
        internal
        pure
        returns (IDisputes.Proof memory)
    {
        IDisputes.Opening[] memory prior = new IDisputes.Opening[](1); // FedAvg has one part
        prior[0] = opening(c.prior, leaf);
        return IDisputes.Proof(
            c.round,
            LeafTree.root(claimed),
            c.inputsHash,
            leaf,
            0,
            prior,
            claimed[leaf],
            LeafTree.path(claimed, leaf),
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

    function terms(Inputs memory c, uint256 leaf, uint256 count) internal pure returns (Formula.Terms memory) {
        bytes[] memory mantissas = new bytes[](count);
        uint256[] memory weights = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            mantissas[i] = c.updates[i].leaves[leaf];
            weights[i] = c.weights[i];
        }
        return Formula.Terms(mantissas, weights, c.shifts, c.bits, c.serverLr);
    }
}
