// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../../interfaces/IAggregationRule.sol";

/// @title FedAvg value by value, as one reads it: what `FedAvg` is tested against. Not deployed.
/// @dev Any number of values; sums wrap at int64.
contract FedAvgReference is IAggregationRule {
    uint256 private constant SUM_BYTES = 8;
    uint256 private constant GLOBAL_BYTES = 4;

    error BadBits(uint8 bits);
    error WeightTooLarge(uint32 weight);
    error ShiftTooLarge(uint8 shift);
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
    /// @dev Sums have one length whatever the number of updates, so a case can be carried on.
    function maxClients(uint256, uint8) external pure returns (uint256) {
        return 256;
    }

    /// @inheritdoc IAggregationRule
    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        external
        pure
        returns (bytes memory result)
    {
        if (bits != 8 && bits != 16) revert BadBits(bits);
        if (weight >= 2 ** 20) revert WeightTooLarge(weight);
        if (uint256(shift) + bits > 31) revert ShiftTooLarge(shift);
        uint256 width = bits / 8;
        uint256 count = _count(mantissas, width);
        uint256 length = count * SUM_BYTES;
        if (sums.length != 0 && sums.length != length) revert LengthMismatch(sums.length, length);

        result = _allocate(length);
        uint256 factor = (uint256(weight) << shift) << 192; // aligned with a sum that stands at the head of a word
        assembly ("memory-safe") {
            let drop := sub(256, bits)
            let from := sums.offset
            let keep := sub(0, iszero(iszero(sums.length))) // without sums yet, what lies there is not read
            let to := add(result, 32)
            let end := add(to, length)
            for { let value := mantissas.offset } lt(to, end) { value := add(value, width) } {
                // The sums behind the first of the word are copied as they are, and overwritten by the next step.
                mstore(to, add(and(calldataload(from), keep), mul(factor, sar(drop, calldataload(value)))))
                from := add(from, 8)
                to := add(to, 8)
            }
        }
    }

    /// @inheritdoc IAggregationRule
    function finish(bytes calldata sums, bytes calldata prior, uint256 totalWeight, uint32 serverLr)
        external
        pure
        returns (bytes memory result)
    {
        if (totalWeight == 0 || totalWeight >= 2 ** 64) revert BadTotalWeight(totalWeight);
        uint256 count = _count(prior, GLOBAL_BYTES);
        if (sums.length != count * SUM_BYTES) revert LengthMismatch(sums.length, count * SUM_BYTES);

        result = _allocate(prior.length);
        assembly ("memory-safe") {
            let divisor := shl(1, totalWeight)
            let from := sums.offset
            let to := add(result, 32)
            let end := add(to, prior.length)
            for { let old := prior.offset } lt(to, end) { old := add(old, 4) } {
                // R works on |a| and gives the sign back: with sign = 0 or -1, (x ^ sign) - sign is x or -x.
                let sum := sar(192, calldataload(from))
                let sign := sar(255, sum)
                let mean := div(add(shl(1, sub(xor(sum, sign), sign)), totalWeight), divisor)
                let step := shr(17, add(shl(1, mul(mean, serverLr)), 0x10000)) // R(mean * serverLr, 2^16)
                let value := add(sar(224, calldataload(old)), sub(xor(step, sign), sign))
                if sgt(value, 0x7fffffff) { value := 0x7fffffff }
                if slt(value, not(0x7fffffff)) { value := not(0x7fffffff) }
                mstore(to, shl(224, value))
                from := add(from, 8)
                to := add(to, 4)
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
