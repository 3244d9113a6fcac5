// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../interfaces/IAggregationRule.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {IMaskedRule} from "../interfaces/IMaskedRule.sol";
import {IFederationCoordinator} from "../interfaces/IFederationCoordinator.sol";
import {UpdateTree} from "./libraries/UpdateTree.sol";

/// @title Convicts a proposal of which one leaf is wrong, in one transaction or in as many as it takes.
/// @notice Trusts nothing but the coordinator's state: the accepted updates, their weights and shifts, the prior root
/// and the rule come from there, the leaves from the caller with paths to those roots. It holds partial sums and nothing
/// else. A coordinator obeys only the Disputes contract that its configuration names.
contract Disputes is IDisputes {
    uint256 private constant GLOBAL_BYTES = 4; // of a value

    /// @dev What the chain says of one leaf of a round.
    struct Leaf {
        IFederationCoordinator coordinator;
        IFederationCoordinator.Config config;
        uint256 round;
        uint256 index; // in the trees of updates
        uint256 parts; // of the rule
        uint256 accepted; // a set bit for every accepted update
        bytes32 priorRoot;
        bytes32 key;
    }

    /// @dev Digest of the sums after n accepted updates, for every n reached. They follow from the key alone, which
    /// names the inputs: no call can make them wrong for another.
    mapping(bytes32 key => mapping(uint256 n => bytes32 digest)) private _sums;

    /// @inheritdoc IDisputes
    function challenge(IFederationCoordinator coordinator, Proof calldata proof) external {
        bytes32 computed = _correctDigest(coordinator, proof);
        if (computed == proof.claimedDigest) revert LeafIsCorrect();
        coordinator.convict(proof.round, proof.proposalRoot, msg.sender);
    }

    /// @inheritdoc IDisputes
    function carry(IFederationCoordinator coordinator, Step calldata step) external {
        if (step.updates.length == 0) revert NothingToAdd();
        Leaf memory leaf = _leaf(coordinator, step.round, step.inputsHash, step.leafIndex);
        uint256 left = _left(leaf, step.start);
        if (step.updates.length > left) revert TooManyUpdates(step.updates.length, left);
        (bytes memory sums, uint64 weight) = _add(leaf, step.start, step.updates);
        uint256 count = step.start.count + step.updates.length;
        _sums[leaf.key][count] = keccak256(abi.encodePacked(weight, sums));
        emit Carried(coordinator, step.round, step.leafIndex, count);
    }

    /// @inheritdoc IDisputes
    function impeach(IFederationCoordinator coordinator, Step calldata step) external {
        Leaf memory leaf = _leaf(coordinator, step.round, step.inputsHash, step.leafIndex);
        uint256 left = _left(leaf, step.start);
        if (step.updates.length != left) revert WrongCount(step.updates.length, left);
        (bytes memory sums, uint64 weight) = _add(leaf, step.start, step.updates);
        if (!IMaskedRule(address(leaf.config.rule)).exceeds(sums, weight)) revert SumsAreInRange();
        coordinator.impeach(step.round);
    }

    /// @inheritdoc IDisputes
    function carried(IFederationCoordinator coordinator, uint256 round, uint256 leafIndex)
        external
        view
        returns (bytes32[] memory digests)
    {
        (bytes32 inputsHash, uint256 accepted,) = coordinator.inputs(round);
        bytes32 key = _key(coordinator, round, leafIndex, inputsHash, accepted);
        digests = new bytes32[](_ones(accepted) + 1);
        for (uint256 n = 1; n < digests.length; ++n) digests[n] = _sums[key][n];
    }

    /// @dev Digest that leaf `proof.leafIndex` of the round's global must have. Every opening of the proof is checked,
    /// the claimed one too.
    function _correctDigest(IFederationCoordinator coordinator, Proof calldata proof) private view returns (bytes32) {
        Leaf memory leaf = _leaf(coordinator, proof.round, proof.inputsHash, proof.leafIndex);
        if (proof.part >= leaf.parts || proof.prior.length != leaf.parts) {
            revert WrongParts(proof.part, proof.prior.length, leaf.parts);
        }
        _requireGlobal(leaf, proof.part, proof.claimedDigest, proof.claimedPath, proof.proposalRoot);
        bytes memory prior = _prior(leaf, proof.prior);
        uint256 left = _left(leaf, proof.start);
        if (proof.updates.length != left) revert WrongCount(proof.updates.length, left);
        (bytes memory sums, uint64 weight) = _add(leaf, proof.start, proof.updates);
        bytes memory result = leaf.config.rule.finish(sums, prior, weight, leaf.config.serverLr);
        return _digestOf(leaf, result, proof.part);
    }

    function _leaf(IFederationCoordinator coordinator, uint256 round, bytes32 inputsHash, uint256 index)
        private
        view
        returns (Leaf memory)
    {
        (bytes32 expected, uint256 accepted, bytes32 priorRoot) = coordinator.inputs(round);
        if (inputsHash != expected) revert WrongInputs(inputsHash, expected);
        bytes32 key = _key(coordinator, round, index, inputsHash, accepted);
        IFederationCoordinator.Config memory config = coordinator.config();
        return Leaf(coordinator, config, round, index, config.rule.parts(), accepted, priorRoot, key);
    }

    /// @dev A re-org may bring other inputs under the same number of a round: sums belong to the inputs.
    function _key(
        IFederationCoordinator coordinator,
        uint256 round,
        uint256 index,
        bytes32 inputsHash,
        uint256 accepted
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(coordinator, round, index, inputsHash, accepted));
    }

    /// @dev Accepted updates that are not in `start`, whose sums must be known.
    function _left(Leaf memory leaf, Sums calldata start) private view returns (uint256) {
        bool known = start.count == 0
            ? start.weight == 0 && start.values.length == 0
            : _sums[leaf.key][start.count] == keccak256(abi.encodePacked(start.weight, start.values));
        if (!known) revert UnknownSums(start.count);
        return _ones(leaf.accepted) - start.count;
    }

    /// @dev The sums after the next `openings.length` accepted updates; no more are left than that.
    function _add(Leaf memory leaf, Sums calldata start, Opening[] calldata openings)
        private
        view
        returns (bytes memory sums, uint64 weight)
    {
        sums = start.values;
        weight = start.weight;
        uint256 mask = leaf.accepted;
        for (uint256 i = 0; i < start.count; ++i) mask &= mask - 1;
        uint256 index = 0;
        for (uint256 i = 0; i < openings.length; ++i) {
            while ((mask >> index) & 1 == 0) ++index;
            weight += _addUpdate(leaf, sums, index++, openings[i]);
        }
    }

    /// @dev One more update into `sums`, which must be what was allocated last: the result is moved to its place, and
    /// all other memory that this took is given back. Otherwise every update would leave a copy of the sums behind, and
    /// the price of memory grows quadratically.
    /// @return weight The update's weight.
    function _addUpdate(Leaf memory leaf, bytes memory sums, uint256 index, Opening calldata opening)
        private
        view
        returns (uint32 weight)
    {
        IFederationCoordinator.Update memory u = leaf.coordinator.update(leaf.round, index);
        weight = u.weight;
        _requirePath(leaf.config.leafCount, leaf.index, sha256(opening.leaf), opening.path, u.root);
        _requireLength(opening.leaf, uint256(leaf.config.leafValues) * leaf.config.mantissaBits / 8);
        bytes memory result = leaf.config.rule.accumulate(sums, opening.leaf, leaf.config.mantissaBits, weight, u.shift);
        assembly ("memory-safe") {
            let length := mload(result)
            mcopy(sums, result, add(length, 32))
            mstore(0x40, add(add(sums, 32), and(add(length, 31), not(31))))
        }
    }

    /// @dev The prior leaf, its parts one after the other.
    function _prior(Leaf memory leaf, Opening[] calldata openings) private view returns (bytes memory prior) {
        for (uint256 part = 0; part < openings.length; ++part) {
            Opening calldata opening = openings[part];
            _requireGlobal(leaf, part, sha256(opening.leaf), opening.path, leaf.priorRoot);
            _requireLength(opening.leaf, GLOBAL_BYTES * leaf.config.leafValues);
            prior = bytes.concat(prior, opening.leaf);
        }
    }

    /// @dev Digest of one part of a finished leaf, which is cut out of it where it lies.
    function _digestOf(Leaf memory leaf, bytes memory result, uint256 part) private pure returns (bytes32) {
        uint256 size = GLOBAL_BYTES * leaf.config.leafValues;
        if (result.length != size * leaf.parts) {
            revert IAggregationRule.LengthMismatch(result.length, size * leaf.parts);
        }
        assembly ("memory-safe") {
            result := add(result, mul(part, size))
            mstore(result, size)
        }
        return sha256(result);
    }

    /// @dev Such a leaf can stand in an accepted update only if two thirds of the weight vouched for what is no update.
    function _requireLength(bytes calldata leaf, uint256 expected) private pure {
        if (leaf.length != expected) revert IAggregationRule.LengthMismatch(leaf.length, expected);
    }

    /// @dev `digest` is that of one part of the leaf in a global's tree.
    function _requireGlobal(Leaf memory leaf, uint256 part, bytes32 digest, bytes32[] calldata path, bytes32 root)
        private
        view
    {
        uint256 count = leaf.config.leafCount;
        if (leaf.index >= count) revert UpdateTree.LeafOutOfRange(leaf.index, count);
        _requirePath(count * leaf.parts, part * count + leaf.index, digest, path, root);
    }

    function _requirePath(uint256 leafCount, uint256 index, bytes32 digest, bytes32[] calldata path, bytes32 root)
        private
        view
    {
        bytes32 computed = UpdateTree.rootFromPath(leafCount, index, digest, path);
        if (computed != root) revert WrongPath(computed, root);
    }

    function _ones(uint256 mask) private pure returns (uint256 count) {
        for (; mask != 0; mask &= mask - 1) ++count;
    }
}
