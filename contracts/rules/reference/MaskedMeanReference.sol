// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../../interfaces/IAggregationRule.sol";
import {IMaskedRule} from "../../../interfaces/IMaskedRule.sol";
import {PlainIntegers} from "./PlainIntegers.sol";

/// @title `MaskedMean` value by value, as one reads it: what it is tested against. Not deployed.
/// @dev Any number of values.
contract MaskedMeanReference is IMaskedRule {
    /// @inheritdoc IMaskedRule
    uint256 public immutable scale;
    /// @inheritdoc IMaskedRule
    uint256 public immutable bound;

    error BadScale(uint256 scale);
    error BadBound(uint256 bound);
    error BadBits(uint8 bits);
    error WeightTooLarge(uint32 weight);
    error ShiftTooLarge(uint8 shift);
    error BadTotalWeight(uint256 totalWeight);

    /// @param scale_ s: one unit of a masked value is worth 2^s units of an update.
    /// @param bound_ B: the largest size of a value before it is multiplied by the weight of its update.
    constructor(uint256 scale_, uint256 bound_) {
        if (scale_ > 15) revert BadScale(scale_);
        if (bound_ < 1 || bound_ > 2 ** 15) revert BadBound(bound_);
        (scale, bound) = (scale_, bound_);
    }

    /// @inheritdoc IAggregationRule
    function name() external pure returns (string memory) {
        return "masked-mean";
    }

    /// @inheritdoc IAggregationRule
    function parts() external pure returns (uint256) {
        return 1;
    }

    /// @inheritdoc IAggregationRule
    function maxClients(uint256, uint8 bits) external pure returns (uint256) {
        return bits == 32 ? 64 : 0;
    }

    /// @inheritdoc IAggregationRule
    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        external
        pure
        returns (bytes memory result)
    {
        if (bits != 32) revert BadBits(bits);
        if (weight > 2 ** 15) revert WeightTooLarge(weight);
        if (shift != 0) revert ShiftTooLarge(shift);
        if (mantissas.length % 4 != 0) revert LengthMismatch(mantissas.length, mantissas.length / 4 * 4);
        if (sums.length != 0 && sums.length != mantissas.length) {
            revert LengthMismatch(sums.length, mantissas.length);
        }
        int256[] memory more = PlainIntegers.all(mantissas, 4);
        int256[] memory before = sums.length == 0 ? new int256[](more.length) : PlainIntegers.all(sums, 4);
        result = new bytes(mantissas.length);
        for (uint256 j = 0; j < more.length; ++j) {
            PlainIntegers.put(result, j, 4, before[j] + more[j]); // its low 32 bits
        }
    }

    /// @inheritdoc IAggregationRule
    function finish(bytes calldata sums, bytes calldata prior, uint256 totalWeight, uint32 serverLr)
        external
        view
        returns (bytes memory result)
    {
        if (totalWeight == 0 || totalWeight > 2 ** 15) revert BadTotalWeight(totalWeight);
        if (prior.length % 4 != 0) revert LengthMismatch(prior.length, prior.length / 4 * 4);
        if (sums.length != prior.length) revert LengthMismatch(sums.length, prior.length);
        int256[] memory total = PlainIntegers.all(sums, 4);
        int256[] memory old = PlainIntegers.all(prior, 4);
        result = new bytes(prior.length);
        for (uint256 j = 0; j < old.length; ++j) {
            int256 mean = PlainIntegers.rounded(total[j] * int256(2 ** scale), int256(totalWeight));
            int256 step = PlainIntegers.rounded(mean * int256(uint256(serverLr)), 2 ** 16);
            PlainIntegers.put(result, j, 4, PlainIntegers.clamped(old[j] + step));
        }
    }

    /// @inheritdoc IMaskedRule
    function exceeds(bytes calldata sums, uint256 totalWeight) external view returns (bool) {
        if (totalWeight == 0 || totalWeight > 2 ** 15) revert BadTotalWeight(totalWeight);
        int256 most = int256(totalWeight * bound);
        int256[] memory total = PlainIntegers.all(sums, 4);
        for (uint256 j = 0; j < total.length; ++j) {
            if (total[j] > most || total[j] < -most) return true;
        }
        return false;
    }
}
