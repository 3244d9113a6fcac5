// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationCoordinator} from "./IFederationCoordinator.sol";

/// @title Convicts wrong proposals of any coordinator that names this contract.
interface IDisputes {
    /// @notice One client's leaf and its path to the root of that client's update.
    struct Opening {
        bytes leaf;
        bytes32[] path; // sibling digests, leaf level first; promoted levels are left out
    }

    /// @notice A proof that one leaf of a proposal is wrong.
    struct Proof {
        uint256 round;
        bytes32 proposalRoot;
        bytes32 inputsHash;
        uint256 leafIndex;
        Opening prior;
        bytes32 claimedDigest;
        bytes32[] claimedPath;
        Opening[] updates; // of the accepted updates, by index
    }

    error WrongInputs(bytes32 given, bytes32 expected);
    error WrongCount(uint256 given, uint256 expected);
    error WrongPath(bytes32 computed, bytes32 expected);
    error LeafIsCorrect();

    /// @notice Convict `proof.proposalRoot` in one transaction; the bounty is credited to the caller.
    function challenge(IFederationCoordinator coordinator, Proof calldata proof) external;
}
