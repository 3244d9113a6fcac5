// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../../interfaces/IAggregationRule.sol";
import {GatheredLeaves} from "../../libraries/GatheredLeaves.sol";
import {MiddleSums} from "../../libraries/MiddleSums.sol";
import {ServerStep} from "../../libraries/ServerStep.sol";

/// @title The mean of the middle ones of all updates' values, value by value, whatever the updates weigh.
/// @notice Per value: sort x_i = m_i * 2^shift_i of n updates; leave out t at each end; mean = R(sum of the rest, n - 2t);
/// step = R(mean * serverLr, 2^16); g' = clamp_int32(g + step), with R(a, b) = sign(a) * floor((2|a| + b) / 2b).
/// @dev Twin of `fedaggregator.rules.middle_mean`.
abstract contract MiddleMean is IAggregationRule {
    uint256 private constant FINISH_GAS = 13_500_000; // 2^24 without calldata, memory and the rest of a challenge

    /// @dev t for n updates, less than n / 2.
    function _trim(uint256 count) internal pure virtual returns (uint256);

    /// @inheritdoc IAggregationRule
    function parts() external pure returns (uint256) {
        return 1;
    }

    /// @inheritdoc IAggregationRule
    /// @dev All leaves must be in the calldata of one call, and `finish` must sort them within its gas.
    function maxClients(uint256 leafValues, uint8 bits) external pure returns (uint256 count) {
        count = GatheredLeaves.most(leafValues, bits);
        while (count > 0 && _finishGas(count, leafValues) > FINISH_GAS) --count;
    }

    /// @inheritdoc IAggregationRule
    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        external
        pure
        returns (bytes memory)
    {
        return GatheredLeaves.append(sums, mantissas, bits, weight, shift);
    }

    /// @inheritdoc IAggregationRule
    function finish(bytes calldata sums, bytes calldata prior, uint256, uint32 serverLr)
        external
        pure
        returns (bytes memory)
    {
        uint256 values = prior.length / 4;
        if (values == 0 || prior.length % 128 != 0) revert LengthMismatch(prior.length, values / 32 * 128);
        GatheredLeaves.Rows memory rows = GatheredLeaves.read(sums, values);
        uint256 trim = _trim(rows.count);
        bytes memory middle = MiddleSums.sum(rows, values, trim);
        return ServerStep.step(middle, prior, rows.count - 2 * trim, serverLr);
    }

    /// @dev An upper bound of the gas of `finish` for `count` rows. Nearly n * (s^2 - s + 4) / 4 pairs are compared in each
    /// block of a leaf, with s the smallest number for which 2^s >= n.
    function _finishGas(uint256 count, uint256 leafValues) private pure returns (uint256) {
        uint256 steps;
        while (1 << steps < count) ++steps;
        uint256 pairs = count * (steps * steps + 4 - steps);
        return 30_000 + 120 * pairs + leafValues * (440 + 22 * count + 4 * pairs);
    }
}
