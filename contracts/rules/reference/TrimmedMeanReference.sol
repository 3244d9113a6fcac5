// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {MiddleMeanReference} from "./MiddleMeanReference.sol";

/// @title `TrimmedMean` as one reads it. Not deployed.
contract TrimmedMeanReference is MiddleMeanReference {
    function name() external pure returns (string memory) {
        return "trimmed-mean";
    }

    function _mean(int256[] memory ordered) internal pure override returns (int256) {
        uint256 trim = ordered.length / 4;
        int256 total;
        for (uint256 i = trim; i < ordered.length - trim; ++i) total += ordered[i];
        return _rounded(total, int256(ordered.length - 2 * trim));
    }
}
