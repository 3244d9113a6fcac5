// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../interfaces/IAggregationRule.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {IFederationCoordinator} from "../interfaces/IFederationCoordinator.sol";
import {UpdateTree} from "./libraries/UpdateTree.sol";

/// @title Convicts a proposal of which one leaf is wrong, in one transaction.
/// @notice Holds nothing and trusts nothing but the coordinator's state: the accepted updates, their weights and shifts,
/// the prior root and the rule come from there, the leaves from the caller with paths to those roots. A coordinator
/// obeys only the Disputes contract that its configuration names.
contract Disputes is IDisputes {
    /// @inheritdoc IDisputes
    function challenge(IFederationCoordinator coordinator, Proof calldata proof) external {
        bytes32 computed = _correctDigest(coordinator, proof);
        if (computed == proof.claimedDigest) revert LeafIsCorrect();
        coordinator.convict(proof.round, proof.proposalRoot, msg.sender);
    }

    /// @dev Digest that leaf `proof.leafIndex` of the round's global must have. Every opening of the proof is checked,
    /// the claimed one too.
    function _correctDigest(IFederationCoordinator coordinator, Proof calldata proof) private view returns (bytes32) {
        IFederationCoordinator.Config memory config = coordinator.config();
        IFederationCoordinator.RoundView memory round = coordinator.roundView(proof.round);
        if (proof.inputsHash != round.inputsHash) revert WrongInputs(proof.inputsHash, round.inputsHash);

        uint256 leafCount = config.leafCount;
        _requirePath(leafCount, proof.leafIndex, proof.claimedDigest, proof.claimedPath, proof.proposalRoot);
        _requireOpening(leafCount, proof.leafIndex, proof.prior, round.priorRoot);
        (bytes memory sums, uint256 totalWeight) = _sums(coordinator, config, round.acceptedMask, proof);
        return sha256(config.rule.finish(sums, proof.prior.leaf, totalWeight, config.serverLr));
    }

    /// @dev The rule's sums over the leaves of the accepted updates, and the weight of these.
    function _sums(
        IFederationCoordinator coordinator,
        IFederationCoordinator.Config memory config,
        uint256 accepted,
        Proof calldata proof
    ) private view returns (bytes memory sums, uint256 totalWeight) {
        IFederationCoordinator.Update[] memory updates = coordinator.updates(proof.round);
        _requireCount(proof.updates.length, accepted);
        sums = new bytes(8 * uint256(config.leafValues));
        uint256 next;
        for (uint256 i = 0; i < updates.length; i++) {
            if ((accepted >> i) & 1 == 0) continue;
            Opening calldata opening = proof.updates[next++];
            _requireOpening(config.leafCount, proof.leafIndex, opening, updates[i].root);
            _add(config, sums, opening.leaf, updates[i]);
            totalWeight += updates[i].weight;
        }
    }

    /// @dev One more leaf into `sums`, in place: without taking new memory for every client, whose price is quadratic.
    function _add(
        IFederationCoordinator.Config memory config,
        bytes memory sums,
        bytes calldata leaf,
        IFederationCoordinator.Update memory update
    ) private pure {
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        bytes memory result = config.rule.accumulate(sums, leaf, config.mantissaBits, update.weight, update.shift);
        uint256 length = sums.length;
        if (result.length != length) revert IAggregationRule.LengthMismatch(result.length, length);
        assembly ("memory-safe") {
            mcopy(add(sums, 32), add(result, 32), length)
            mstore(0x40, free)
        }
    }

    function _requireCount(uint256 given, uint256 accepted) private pure {
        uint256 expected;
        for (uint256 mask = accepted; mask != 0; mask &= mask - 1) expected++;
        if (given != expected) revert WrongCount(given, expected);
    }

    function _requireOpening(uint256 leafCount, uint256 index, Opening calldata opening, bytes32 root) private view {
        _requirePath(leafCount, index, sha256(opening.leaf), opening.path, root);
    }

    function _requirePath(uint256 leafCount, uint256 index, bytes32 digest, bytes32[] calldata path, bytes32 root)
        private
        view
    {
        bytes32 computed = UpdateTree.rootFromPath(leafCount, index, digest, path);
        if (computed != root) revert WrongPath(computed, root);
    }
}
