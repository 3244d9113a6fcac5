// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {PlainRule} from "./PlainRule.sol";

/// @title A rule that needs every client's value of an element at once, as a median does; for tests only.
/// @notice g' = g + the largest m * 2^shift, clamped to int32. Unweighted.
contract GatherRule is PlainRule {
    uint256 private constant CALLDATA = 100_000; // bytes of a call that all values together may take

    function name() external pure returns (string memory) {
        return "test-gather";
    }

    function parts() external pure returns (uint256) {
        return 1;
    }

    function maxClients(uint256 leafValues, uint8) external pure returns (uint256) {
        uint256 most = CALLDATA / (4 * leafValues);
        return most < 256 ? most : 256;
    }

    /// @dev Sums are the values so far, client after client: K int32 each.
    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32, uint8 shift)
        external
        pure
        returns (bytes memory result)
    {
        uint256 count = mantissas.length * 8 / bits;
        bytes memory own = new bytes(4 * count);
        for (uint256 i = 0; i < count; ++i) _set(own, i, 32, _at(mantissas, i, bits) * int256(1 << shift));
        result = bytes.concat(sums, own);
    }

    function finish(bytes calldata sums, bytes calldata prior, uint256, uint32)
        external
        pure
        returns (bytes memory result)
    {
        uint256 count = prior.length / 4;
        result = new bytes(prior.length);
        for (uint256 i = 0; i < count; ++i) {
            int256 largest = type(int32).min;
            for (uint256 at = i; at < sums.length / 4; at += count) {
                int256 value = _at(sums, at, 32);
                if (value > largest) largest = value;
            }
            _set(result, i, 32, _added(_at(prior, i, 32), largest));
        }
    }
}
