// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {MiddleMean} from "./shared/MiddleMean.sol";

/// @title Coordinate-wise median (Yin et al. 2018, arXiv:1803.01498), in integers.
/// @notice The middle value, or the mean of the two middle ones: whatever less than half of the updates say, a value
/// moves no further than between those of the others.
/// @dev `MiddleMean` has the formula, with t = floor((n - 1) / 2). Twin of `fedaggregator.rules.median`.
contract Median is MiddleMean {
    function name() external pure returns (string memory) {
        return "median";
    }

    function _trim(uint256 count) internal pure override returns (uint256) {
        return (count - 1) / 2;
    }
}
