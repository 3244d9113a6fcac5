// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TokenMock} from "./TokenMock.sol";

/// @title Keeps one unit of every transfer.
contract FeeToken is TokenMock {
    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0) || amount == 0) return super._update(from, to, amount);
        super._update(from, to, amount - 1);
        super._update(from, address(0), 1);
    }
}
