// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TokenMock} from "./TokenMock.sol";

/// @title Starts to take a fee one day, as its issuer may: out of what arrives, or on top of what is sent.
contract TaxToken is TokenMock {
    uint256 public fee;
    bool public isOnTop;

    /// @param fee_ Units of every transfer.
    function setFee(uint256 fee_, bool isOnTop_) external {
        fee = fee_;
        isOnTop = isOnTop_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0) || fee == 0) return super._update(from, to, amount);
        super._update(from, to, isOnTop ? amount : amount - fee);
        super._update(from, address(0), fee);
    }
}
