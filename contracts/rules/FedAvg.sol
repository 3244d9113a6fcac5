// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../interfaces/IAggregationRule.sol";
import {WeightedSums} from "../libraries/WeightedSums.sol";

/// @title Federated averaging, weighted by examples (McMahan et al. 2017), in integers.
/// @notice Per value: S = sum (w_i << shift_i) * m_i; mean = R(S, W); step = R(mean * serverLr, 2^16);
/// g' = clamp_int32(g + step), with R(a, b) = sign(a) * floor((2|a| + b) / 2b): to nearest, halves away from zero.
/// @dev Twin of `fedaggregator.rules.fedavg`; `reference/FedAvgReference.sol` is the same without packing.
contract FedAvg is IAggregationRule {
    uint256 private constant GLOBAL_BYTES = 4;

    error BadTotalWeight(uint256 totalWeight);

    /// @inheritdoc IAggregationRule
    function name() external pure returns (string memory) {
        return "fedavg";
    }

    /// @inheritdoc IAggregationRule
    function parts() external pure returns (uint256) {
        return 1;
    }

    /// @inheritdoc IAggregationRule
    /// @dev Sums have one length whatever the number of updates, so a case can be carried on. None of masked updates.
    function maxClients(uint256, uint8 bits) external pure returns (uint256) {
        return bits > 16 ? 0 : 256;
    }

    /// @inheritdoc IAggregationRule
    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        external
        pure
        returns (bytes memory)
    {
        return WeightedSums.add(sums, mantissas, bits, weight, shift);
    }

    /// @inheritdoc IAggregationRule
    function finish(bytes calldata sums, bytes calldata prior, uint256 totalWeight, uint32 serverLr)
        external
        pure
        returns (bytes memory result)
    {
        if (totalWeight == 0 || totalWeight >= 2 ** 64) revert BadTotalWeight(totalWeight);
        uint256 count = _count(prior, GLOBAL_BYTES);
        if (sums.length != count * WeightedSums.WIDTH) revert LengthMismatch(sums.length, count * WeightedSums.WIDTH);

        result = _allocate(prior.length);
        assembly ("memory-safe") {
            let divisor := shl(1, totalWeight)
            let to := add(result, 32)
            let end := add(to, prior.length)
            let old := sub(prior.offset, to)
            let from := sub(sums.offset, shl(1, to))
            for {} lt(to, end) { to := add(to, 4) } {
                // R works on |a| and gives the sign back: with sign = 0 or -1, (x ^ sign) - sign is x or -x.
                let sum := sar(192, calldataload(add(from, shl(1, to))))
                let sign := sar(255, sum)
                let mean := div(add(shl(1, sub(xor(sum, sign), sign)), totalWeight), divisor)
                let step := shr(16, add(mul(mean, serverLr), 0x8000)) // R(mean * serverLr, 2^16)
                let value := add(sar(224, calldataload(add(old, to))), sub(xor(step, sign), sign))
                if shr(32, add(value, 0x80000000)) {
                    value := xor(0x7fffffff, sar(255, value)) // the largest int32, or the smallest
                }
                mstore(to, shl(224, value))
            }
        }
    }

    function _count(bytes calldata values, uint256 width) private pure returns (uint256 count) {
        count = values.length / width;
        if (count * width != values.length) revert LengthMismatch(values.length, count * width);
    }

    /// @dev A byte string of `length`. Whole words may be stored at its elements in ascending order: what spills over
    /// its end stays in memory allocated with it.
    function _allocate(uint256 length) private pure returns (bytes memory data) {
        data = new bytes(length + 32);
        assembly ("memory-safe") {
            mstore(data, length)
        }
    }
}
