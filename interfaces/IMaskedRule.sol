// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "./IAggregationRule.sol";

/// @title A rule for masked updates, whose values are fixed-point numbers within a known range.
/// @notice Before masking, a site's value is x = SR(w * clip(u / 2^scale, -bound, bound)), with w its weight and SR
/// stochastic rounding. An honest sum is therefore never further from zero than the total weight times the bound.
interface IMaskedRule is IAggregationRule {
    /// @notice Gives s: one unit of a masked value is worth 2^s units of an update.
    /// @return The exponent s, 0 to 15.
    function scale() external view returns (uint256);

    /// @notice Gives B: the largest size of a value before it is multiplied by the weight of its update.
    /// @return The bound, 1 to 2^15.
    function bound() external view returns (uint256);

    /// @notice Says whether sums are further from zero than those of honest updates can be.
    /// @param sums The sums over all updates, as `accumulate` returned them.
    /// @param totalWeight The weight of these updates together, in examples.
    /// @return Whether a value's size is above `totalWeight * bound`.
    function exceeds(bytes calldata sums, uint256 totalWeight) external view returns (bool);
}
