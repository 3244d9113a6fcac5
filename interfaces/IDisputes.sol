// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationCoordinator} from "./IFederationCoordinator.sol";

/// @title Convicts wrong proposals of any coordinator that names this contract.
/// @notice `docs/protocol.md` ("The proof") says what is proved and how a long case is carried over several calls.
interface IDisputes {
    /// @notice One client's leaf and its path to the root of that client's update.
    struct Opening {
        bytes leaf;
        bytes32[] path; // sibling digests, leaf level first; promoted levels are left out
    }

    /// @notice The rule's partial sums over the first `count` accepted updates, at one leaf.
    struct Sums {
        uint256 count; // 0: the beginning, with no weight and no values
        uint64 weight; // of these updates together
        bytes values; // as the rule's `accumulate` gave them
    }

    /// @notice More accepted updates into partial sums.
    struct Step {
        uint256 round;
        bytes32 inputsHash;
        uint256 leafIndex;
        Sums start; // any that a call reached before, or the beginning
        Opening[] updates; // of the accepted updates from `start.count` on, by index; at least one
    }

    /// @notice A proof that one leaf of a proposal is wrong.
    struct Proof {
        uint256 round;
        bytes32 proposalRoot;
        bytes32 inputsHash;
        uint256 leafIndex; // of the updates' trees
        uint256 part; // of the global's leaf, by the rule; 0 where it has but the weights
        Opening[] prior; // every part of the prior leaf, in order
        bytes32 claimedDigest;
        bytes32[] claimedPath;
        Sums start; // as in a step
        Opening[] updates; // of all accepted updates from `start.count` on, by index
    }

    event Carried(
        IFederationCoordinator indexed coordinator, uint256 indexed round, uint256 indexed leafIndex, uint256 count
    );

    error WrongInputs(bytes32 given, bytes32 expected);
    error WrongCount(uint256 given, uint256 expected); // updates in a proof, against those still to be summed
    error TooManyUpdates(uint256 given, uint256 left);
    error NothingToAdd();
    error WrongParts(uint256 part, uint256 openings, uint256 expected); // of the prior leaf, against the rule's
    error UnknownSums(uint256 count); // no call reached these
    error WrongPath(bytes32 computed, bytes32 expected);
    error LeafIsCorrect();

    /// @notice Convict `proof.proposalRoot`; the bounty is credited to the caller. One call does where it fits a
    /// transaction; where it does not, `carry` goes before it.
    function challenge(IFederationCoordinator coordinator, Proof calldata proof) external;

    /// @notice Keep the partial sums after `step.start.count + step.updates.length` accepted updates. Anyone may, in any
    /// order, as often as they like: sums that are kept are right, stay, and serve every proposal of the round.
    function carry(IFederationCoordinator coordinator, Step calldata step) external;

    /// @notice What was reached at a leaf of a round, as its inputs are now.
    /// @return digests Item n is keccak256(abi.encodePacked(weight, values)) of the sums after n accepted updates, or
    /// zero if no call reached them (item 0 always).
    function carried(IFederationCoordinator coordinator, uint256 round, uint256 leafIndex)
        external
        view
        returns (bytes32[] memory digests);
}
