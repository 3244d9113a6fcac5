// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TokenMock} from "./TokenMock.sol";

/// @title Refuses transfers to blocked accounts, as some stablecoins do.
contract BlockingToken is TokenMock {
    error Blocked(address account);

    mapping(address account => bool) public isBlocked;

    function setBlocked(address account, bool blocked) external {
        isBlocked[account] = blocked;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (isBlocked[to]) revert Blocked(to);
        super._update(from, to, amount);
    }
}
