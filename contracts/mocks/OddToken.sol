// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SilentToken} from "./SilentToken.sol";

/// @title Writes transfers as ERC-20 does, without indexed arguments, or with all of them indexed; and can grow.
contract OddToken is SilentToken {
    uint256 private _form = 1;

    /// @param form 0: as ERC-20 does, 1: nothing indexed, 2: all indexed.
    function write(uint256 form) external {
        _form = form;
    }

    /// @dev As a token does whose balances follow an index: no transfer says so.
    function grow(address account, uint256 amount) external {
        balanceOf[account] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) public override {
        super.transferFrom(from, to, amount);
        bytes32 topic = keccak256("Transfer(address,address,uint256)");
        if (_form == 0) {
            assembly ("memory-safe") {
                mstore(0, amount)
                log3(0, 32, topic, from, to)
            }
        } else if (_form == 1) {
            bytes memory data = abi.encode(from, to, amount);
            assembly ("memory-safe") {
                log1(add(data, 32), mload(data), topic)
            }
        } else {
            assembly ("memory-safe") {
                log4(0, 0, topic, from, to, amount)
            }
        }
    }
}
