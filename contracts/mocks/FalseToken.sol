// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TokenMock} from "./TokenMock.sol";

/// @title Returns false and moves nothing.
contract FalseToken is TokenMock {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }
}
