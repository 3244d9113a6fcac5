// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../interfaces/IAggregationRule.sol";
import {IMaskedRule} from "../../interfaces/IMaskedRule.sol";
import {ServerStep} from "../libraries/ServerStep.sol";

/// @title The weighted mean of masked updates, in integers.
/// @notice An update is y_i = x_i + masks, modulo 2^32, and the masks of all updates add up to zero. Per value:
/// S = sum y_i mod 2^32, read as int32; mean = R(S * 2^s, W); step = R(mean * serverLr, 2^16);
/// g' = clamp_int32(g + step), with R(a, b) = sign(a) * floor((2|a| + b) / 2b): to nearest, halves away from zero.
/// @dev The weight of an update is inside x_i already, so it never multiplies here: exact sums of known weights times
/// mantissas would give single mantissas away. Its parameters are storage and not immutables, so that programs recognise
/// its code whatever they are. `reference/MaskedMeanReference.sol` is the same without packing.
contract MaskedMean is IMaskedRule {
    uint256 private constant WIDTH = 4; // bytes of a sum
    uint256 private constant MOST_CLIENTS = 64;
    uint256 private constant MOST_WEIGHT = 1 << 15; // of all updates together: |S| stays within 2^30
    uint256 private constant MOST_SCALE = 15;
    uint256 private constant MOST_BOUND = 1 << 15;

    /// @inheritdoc IMaskedRule
    uint256 public scale;
    /// @inheritdoc IMaskedRule
    uint256 public bound;

    error BadScale(uint256 scale);
    error BadBound(uint256 bound);
    error BadBits(uint8 bits);
    error WeightTooLarge(uint32 weight);
    error ShiftTooLarge(uint8 shift);
    error BadTotalWeight(uint256 totalWeight);

    /// @param scale_ s: one unit of a masked value is worth 2^s units of an update.
    /// @param bound_ B: the largest size of a value before it is multiplied by the weight of its update.
    constructor(uint256 scale_, uint256 bound_) {
        if (scale_ > MOST_SCALE) revert BadScale(scale_);
        if (bound_ == 0 || bound_ > MOST_BOUND) revert BadBound(bound_);
        scale = scale_;
        bound = bound_;
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
    /// @dev None at any other width than 32 bits: only masked values may come here.
    function maxClients(uint256, uint8 bits) external pure returns (uint256) {
        return bits == 32 ? MOST_CLIENTS : 0;
    }

    /// @inheritdoc IAggregationRule
    /// @dev Eight lanes of 32 bits in a word. Their lower 31 bits are added, which never reaches the next lane, and the
    /// top bit of each is the exclusive or of both top bits and of what was carried into it.
    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        external
        pure
        returns (bytes memory result)
    {
        if (bits != 32) revert BadBits(bits);
        if (weight > MOST_WEIGHT) revert WeightTooLarge(weight);
        if (shift != 0) revert ShiftTooLarge(shift);
        uint256 length = mantissas.length;
        if (length % 32 != 0) revert LengthMismatch(length, length / 32 * 32);
        if (sums.length == 0) return mantissas;
        if (sums.length != length) revert LengthMismatch(sums.length, length);
        result = sums;
        assembly ("memory-safe") {
            let top := 0x8000000080000000800000008000000080000000800000008000000080000000
            let low := not(top)
            let to := add(result, 32)
            let end := add(to, length)
            for { let from := mantissas.offset } lt(to, end) { from := add(from, 32) } {
                let a := mload(to)
                let b := calldataload(from)
                mstore(to, xor(add(and(a, low), and(b, low)), and(xor(a, b), top)))
                to := add(to, 32)
            }
        }
    }

    /// @inheritdoc IAggregationRule
    function finish(bytes calldata sums, bytes calldata prior, uint256 totalWeight, uint32 serverLr)
        external
        view
        returns (bytes memory)
    {
        if (totalWeight == 0 || totalWeight > MOST_WEIGHT) revert BadTotalWeight(totalWeight);
        if (prior.length % WIDTH != 0) revert LengthMismatch(prior.length, prior.length / WIDTH * WIDTH);
        if (sums.length != prior.length) revert LengthMismatch(sums.length, prior.length);
        return ServerStep.step(_scaled(sums), prior, totalWeight, serverLr);
    }

    /// @inheritdoc IMaskedRule
    function exceeds(bytes calldata sums, uint256 totalWeight) external view returns (bool found) {
        if (totalWeight == 0 || totalWeight > MOST_WEIGHT) revert BadTotalWeight(totalWeight);
        uint256 most = totalWeight * bound;
        assembly ("memory-safe") {
            let end := add(sums.offset, sums.length)
            for { let from := sums.offset } lt(from, end) { from := add(from, WIDTH) } {
                let sum := sar(224, calldataload(from))
                let sign := sar(255, sum)
                if gt(sub(xor(sum, sign), sign), most) {
                    found := 1
                    break
                }
            }
        }
    }

    /// @dev S * 2^s as int64: at most 2^46 in size.
    function _scaled(bytes calldata sums) private view returns (bytes memory wide) {
        uint256 by = scale;
        uint256 length = 2 * sums.length;
        wide = new bytes(length + 32); // room for the last word that is stored
        assembly ("memory-safe") {
            mstore(wide, length)
            let to := add(wide, 32)
            let end := add(to, length)
            for { let from := sums.offset } lt(to, end) { from := add(from, 4) } {
                mstore(to, shl(192, shl(by, sar(224, calldataload(from)))))
                to := add(to, 8)
            }
        }
    }
}
