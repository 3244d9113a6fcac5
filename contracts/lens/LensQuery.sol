// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationCoordinator} from "../../interfaces/IFederationCoordinator.sol";
import {FederationLens} from "./FederationLens.sol";

/// @title One question to a coordinator as the creation of a contract: a plain `eth_call` without `to`, which every node
/// serves.
/// @notice Always reverts, with the coordinator's `Inspected`: a revert's data may be of any length, a contract's code not.
contract LensQuery {
    constructor(IFederationCoordinator coordinator, bytes memory question) {
        address lens = address(new FederationLens());
        (, bytes memory answer) = address(coordinator).call(abi.encodeCall(coordinator.inspect, (lens, question)));
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }
}
