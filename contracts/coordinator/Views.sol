// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationCoordinator} from "../../interfaces/IFederationCoordinator.sol";
import {Clock} from "./Clock.sol";

/// @title What other contracts can read, and the door for everything else.
abstract contract Views is Clock, IFederationCoordinator {
    function config() external view returns (Config memory) {
        return _config;
    }

    function update(uint256 round, uint256 index) external view returns (Update memory) {
        return _update(round, index);
    }

    function inputs(uint256 round) external view returns (bytes32, uint256, bytes32) {
        Status memory s = _status(round);
        return (_rounds[round].inputsHash, s.acceptedMask, s.priorRoot);
    }

    function inspect(address lens, bytes calldata question) external {
        (bool answered, bytes memory answer) = lens.delegatecall(question);
        revert Inspected(answered, answer);
    }
}
