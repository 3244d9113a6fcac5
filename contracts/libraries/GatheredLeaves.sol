// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../interfaces/IAggregationRule.sol";

/// @title The partial sums of a rule that needs the values of all updates at once: their leaves, one after the other.
/// @notice Every update has a row: a word `bits << 40 | weight << 8 | shift`, and then its mantissas as they are. The
/// rows stand in the order of the updates' indices.
/// @dev Twin of `fedaggregator.rules.gathered_leaves`.
library GatheredLeaves {
    uint256 internal constant HEADER = 32; // bytes of a row before its mantissas
    uint256 internal constant MOST = 256; // rows
    uint256 private constant CALLDATA = 127 * 1024; // bytes of a call: a chain node's pool takes transactions of 128 KiB
    /// @dev What a challenge has in its calldata beside the rows and the prior leaf, with paths of 20 digests: the
    /// longest that a tree can have.
    uint256 private constant REST = 2_052;

    error BadBits(uint8 bits);
    error WeightTooLarge(uint32 weight);
    error ShiftTooLarge(uint8 shift);
    /// @notice A row begins with a word that `append` does not write, or says another width than the first row.
    error BadHeader(uint256 index, uint256 header);

    error TooManyRows(uint256 count);

    /// @notice The rows of one leaf, where they lie in calldata.
    struct Rows {
        uint256 at; // of the first row
        uint256 size; // of a row in bytes
        uint256 count; // the number of rows
        uint256 bits; // of a mantissa
    }

    /// @notice One more row at the end of `sums`: what `IAggregationRule.accumulate` returns.
    function append(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        internal
        pure
        returns (bytes memory)
    {
        if (bits != 8 && bits != 16) revert BadBits(bits);
        if (weight >= 2 ** 20) revert WeightTooLarge(weight);
        if (uint256(shift) + bits > 31) revert ShiftTooLarge(shift);
        uint256 whole = mantissas.length / 32 * 32;
        if (mantissas.length == 0 || mantissas.length != whole) {
            revert IAggregationRule.LengthMismatch(mantissas.length, whole);
        }
        uint256 size = HEADER + mantissas.length;
        whole = sums.length / size * size;
        if (sums.length != whole) revert IAggregationRule.LengthMismatch(sums.length, whole);
        return bytes.concat(sums, bytes32(uint256(bits) << 40 | uint256(weight) << 8 | shift), mantissas);
    }

    /// @notice The rows in `sums`, 1 ... 256, of `values` mantissas each.
    function read(bytes calldata sums, uint256 values) internal pure returns (Rows memory rows) {
        if (sums.length < HEADER) revert IAggregationRule.LengthMismatch(sums.length, HEADER);
        uint256 at;
        assembly ("memory-safe") {
            at := sums.offset
        }
        rows.at = at;
        rows.bits = (_word(rows.at) >> 40) & 0xff;
        if (rows.bits != 8 && rows.bits != 16) revert BadHeader(0, _word(rows.at));
        rows.size = HEADER + values * rows.bits / 8;
        rows.count = sums.length / rows.size;
        if (rows.count > MOST) revert TooManyRows(rows.count);
        if (rows.count == 0 || rows.count * rows.size != sums.length) {
            revert IAggregationRule.LengthMismatch(sums.length, rows.size * (rows.count == 0 ? 1 : rows.count));
        }
    }

    /// @notice What the header of row `index` says, which is less than `rows.count`.
    function header(Rows memory rows, uint256 index) internal pure returns (uint256 weight, uint256 shift) {
        uint256 word = _word(rows.at + index * rows.size);
        (weight, shift) = ((word >> 8) & 0xffffffff, word & 0xff);
        if (word >> 40 != rows.bits || weight >= 2 ** 20 || shift + rows.bits > 31) revert BadHeader(index, word);
    }

    /// @notice Where the mantissas of row `index` begin in calldata.
    function mantissasOf(Rows memory rows, uint256 index) internal pure returns (uint256) {
        return rows.at + index * rows.size + HEADER;
    }

    /// @notice How many updates fit in the calldata of a challenge that starts from the sums of all of them; 256 at most,
    /// and none of masked ones (32 bits), of which nobody may see a single value.
    /// @dev The calls that carry the sums are smaller: they have no prior leaf.
    function most(uint256 leafValues, uint8 bits) internal pure returns (uint256 count) {
        if (bits > 16) return 0;
        uint256 taken = REST + 4 * leafValues;
        count = taken < CALLDATA ? (CALLDATA - taken) / (HEADER + leafValues * bits / 8) : 0;
        if (count > MOST) count = MOST;
    }

    function _word(uint256 at) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(at)
        }
    }
}
