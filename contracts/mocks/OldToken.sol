// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {SilentToken} from "./SilentToken.sol";

/// @title As tokens from before the standard was settled: a symbol of 32 bytes beside what SilentToken does.
contract OldToken is SilentToken {
    bytes32 public constant symbol = "OLD";
    uint8 public constant decimals = 6;
}
