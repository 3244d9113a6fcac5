// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../../interfaces/IFederationTypes.sol";
import {Case} from "../support/Case.sol";
import {LeafTree} from "../support/LeafTree.sol";
import {Random} from "../support/Random.sol";
import {vm} from "../support/Vm.sol";
import {Queue} from "./Queue.sol";

/// @title Who did what in which round, and what follows from it: the right global, and whose fault a penalty is.
abstract contract Truth is Queue {
    /// @dev What a client committed to; its update follows from the seed.
    struct Promise {
        bytes32 prior;
        uint256 seed;
        uint8 shift;
        uint32 examples;
        bool revealed;
        bool attested;
    }

    mapping(uint256 round => mapping(address client => Promise)) internal promises;
    mapping(uint256 round => address[]) internal committers;

    mapping(uint256 round => bytes32) private _rightRoots;

    mapping(uint256 round => bool) private _booked;
    mapping(address client => uint256) internal faults; // each of them costs one penalty
    mapping(address client => uint256) internal outvoted; // of these, those that the others' votes made
    mapping(address proposer => uint256) internal lostBonds;
    mapping(address proposer => uint256) internal convictions;
    uint256 internal totalFaults;
    uint256 internal burnedBonds;

    /// @dev The root that the rule gives a round whose inputs are fixed. Its leaves are in `globals`.
    function _rightRoot(uint256 round) internal returns (bytes32) {
        if (_rightRoots[round] == 0) {
            LeafTree.Tree memory right = Case.right(_inputs(round));
            _keep(right);
            _rightRoots[round] = right.root;
        }
        return _rightRoots[round];
    }

    function _isFixed(uint256 round) internal view returns (bool) {
        return views.roundView(round).acceptedMask != 0;
    }

    function _inputs(uint256 round) internal view returns (Case.Inputs memory c) {
        IFederationTypes.RoundView memory v = views.roundView(round);
        IFederationTypes.Update[] memory list = views.updates(round);
        (c.round, c.inputsHash, c.bits, c.serverLr) = (round, v.inputsHash, config.mantissaBits, config.serverLr);
        c.readable = readable;
        c.prior = LeafTree.over(globals[v.priorRoot]);
        uint256 count;
        for (uint256 mask = v.acceptedMask; mask != 0; mask &= mask - 1) {
            ++count;
        }
        (c.updates, c.weights, c.shifts) = (new LeafTree.Tree[](count), new uint256[](count), new uint256[](count));
        uint256 n;
        for (uint256 i = 0; i < list.length; ++i) {
            if ((v.acceptedMask >> i) & 1 == 0) continue;
            c.updates[n] = _update(promises[round][list[i].client].seed);
            (c.weights[n], c.shifts[n]) = (list[i].weight, list[i].shift);
            ++n;
        }
    }

    function _update(uint256 seed) internal view returns (LeafTree.Tree memory) {
        if (masked && !Random.onceIn(seed, 8)) return _smallTree(seed);
        return _randomTree(seed, config, config.mantissaBits / 8);
    }

    /// @dev Masked values of 0 to 1,023, as if masks had cancelled already: sums of them are within any range.
    function _smallTree(uint256 seed) private view returns (LeafTree.Tree memory) {
        uint256 small = 0x3ff * (type(uint256).max / type(uint32).max);
        bytes[] memory leaves = new bytes[](config.leafCount);
        for (uint256 i = 0; i < leaves.length; ++i) {
            for (uint256 at = 0; at < 4 * uint256(config.leafValues); at += 32) {
                leaves[i] = bytes.concat(leaves[i], bytes32(Random.next(Random.next(seed, i), at) & small));
            }
        }
        return LeafTree.over(leaves);
    }

    /// @dev The first leaf of globals in which two of them differ.
    function _difference(bytes32[] memory a, bytes32[] memory b) internal pure returns (uint256 place) {
        while (a[place] == b[place]) {
            ++place;
        }
    }

    /// @dev Notes whose fault it is, once for every round that is settled by now.
    function _book() internal {
        uint256 last = views.lastOpened();
        for (uint256 n = last > 2 ? last - 2 : 1; n <= last; ++n) {
            IFederationTypes.RoundView memory v = views.roundView(n);
            if (_booked[n] || v.phase < IFederationTypes.Phase.Final) continue;
            _booked[n] = true;
            if (v.voidReason == IFederationTypes.VoidReason.PriorVoid) continue;
            for (uint256 i = 0; i < committers[n].length; ++i) {
                address client = committers[n][i];
                bool isOutvoted = _isOutvoted(n, client, v);
                if (!isOutvoted && !_isFaulty(promises[n][client], v)) continue;
                if (isOutvoted) ++outvoted[client];
                ++faults[client];
                ++totalFaults;
            }
        }
    }

    /// @dev By the words of docs/protocol.md ("Money").
    function _isFaulty(Promise storage p, IFederationTypes.RoundView memory v) private view returns (bool) {
        if (p.prior != v.priorRoot) return true;
        if (v.voidReason == IFederationTypes.VoidReason.TooFewCommits) return false;
        if (!p.revealed) return !masked || (v.matching == v.active && 2 * uint256(v.revealed) >= v.matching);
        return !p.attested && v.voidReason != IFederationTypes.VoidReason.TooFewReveals;
    }

    /// @dev In a masked round that is void for its votes: less than a third of the others' weight has its update.
    function _isOutvoted(uint256 round, address client, IFederationTypes.RoundView memory v)
        private
        view
        returns (bool)
    {
        if (!masked || v.voidReason != IFederationTypes.VoidReason.TooFewAccepted) return false;
        if (!promises[round][client].attested) return false;
        IFederationTypes.Update[] memory list = views.updates(round);
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i].client == client) return 3 * (list[i].yes - list[i].weight) < v.totalWeight - list[i].weight;
        }
        return false;
    }
}
