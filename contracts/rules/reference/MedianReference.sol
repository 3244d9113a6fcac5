// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {MiddleMeanReference} from "./MiddleMeanReference.sol";

/// @title `Median` as one reads it. Not deployed.
contract MedianReference is MiddleMeanReference {
    function name() external pure returns (string memory) {
        return "median";
    }

    function _mean(int256[] memory ordered) internal pure override returns (int256) {
        uint256 half = ordered.length / 2;
        if (ordered.length % 2 == 1) return ordered[half];
        return _rounded(ordered[half - 1] + ordered[half], 2);
    }
}
