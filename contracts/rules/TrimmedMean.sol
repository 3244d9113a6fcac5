// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {MiddleMean} from "./shared/MiddleMean.sol";

/// @title Coordinate-wise trimmed mean (Yin et al. 2018, arXiv:1803.01498), in integers.
/// @notice Leaves out a quarter of the values at each end, rounded down: whatever a quarter of the updates say, a value
/// moves no further than between those of the others.
/// @dev `MiddleMean` has the formula, with t = floor(n / 4). Twin of `fedaggregator.rules.trimmed_mean`.
contract TrimmedMean is MiddleMean {
    function name() external pure returns (string memory) {
        return "trimmed-mean";
    }

    function _trim(uint256 count) internal pure override returns (uint256) {
        return count / 4;
    }
}
