// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TokenMock} from "./TokenMock.sol";

/// @title Calls itself, and says when it refuses a transfer, whatever it was told to: any bytes.
contract RudeToken is TokenMock {
    string private _symbol = "TEST";
    string private _refusal;

    function call(bytes calldata symbol_) external {
        _symbol = string(symbol_);
    }

    /// @param refusal Nothing: transfers work.
    function refuse(bytes calldata refusal) external {
        _refusal = string(refusal);
    }

    function symbol() public view override returns (string memory) {
        return _symbol;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from != address(0) && bytes(_refusal).length != 0) revert(_refusal);
        super._update(from, to, amount);
    }
}
