// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {FederationLens} from "../lens/FederationLens.sol";
import {IFederationCoordinator} from "../../interfaces/IFederationCoordinator.sol";

/// @title A coordinator's views as those of a contract, for tests: cast it to IFederationViews.
contract LensReader {
    IFederationCoordinator private immutable _coordinator;
    address private immutable _lens;

    constructor(IFederationCoordinator coordinator) {
        _coordinator = coordinator;
        _lens = address(new FederationLens());
    }

    fallback(bytes calldata question) external returns (bytes memory) {
        (, bytes memory outcome) = address(_coordinator).staticcall(
            abi.encodeCall(IFederationCoordinator.inspect, (_lens, question))
        );
        require(outcome.length > 4, "no answer");
        bytes memory arguments = new bytes(outcome.length - 4);
        assembly ("memory-safe") {
            mcopy(add(arguments, 32), add(outcome, 36), mload(arguments))
        }
        (bool answered, bytes memory answer) = abi.decode(arguments, (bool, bytes));
        require(answered, "a view reverted");
        return answer;
    }
}
