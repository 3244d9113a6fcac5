// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationCoordinator} from "../../interfaces/IFederationCoordinator.sol";

/// @title Convicts and impeaches whatever it is told to, unproven: for the coordinator's tests only.
contract DisputesMock {
    function convict(IFederationCoordinator coordinator, uint256 round, bytes32 root) external {
        coordinator.convict(round, root, msg.sender);
    }

    function impeach(IFederationCoordinator coordinator, uint256 round) external {
        coordinator.impeach(round);
    }
}
