// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {PlainRule} from "./PlainRule.sol";

/// @title A rule with state beside the weights, as server momentum has it; for tests only.
/// @notice state' = state + S / W, toward zero; g' = g + state'; both clamped to int32.
contract StateRule is PlainRule {
    function name() external pure returns (string memory) {
        return "test-state";
    }

    function parts() external pure returns (uint256) {
        return 2;
    }

    function maxClients(uint256, uint8) external pure returns (uint256) {
        return 256;
    }

    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        external
        pure
        returns (bytes memory result)
    {
        uint256 count = mantissas.length * 8 / bits;
        result = sums.length == 0 ? new bytes(8 * count) : sums;
        for (uint256 i = 0; i < count; ++i) {
            int256 added = _at(mantissas, i, bits) * int256(uint256(weight) << shift);
            _set(result, i, 64, _at(result, i, 64) + added);
        }
    }

    function finish(bytes calldata sums, bytes calldata prior, uint256 totalWeight, uint32)
        external
        pure
        returns (bytes memory result)
    {
        uint256 count = sums.length / 8;
        result = new bytes(prior.length);
        for (uint256 i = 0; i < count; ++i) {
            int256 state = _added(_at(prior, count + i, 32), _at(sums, i, 64) / int256(totalWeight));
            _set(result, count + i, 32, state);
            _set(result, i, 32, _added(_at(prior, i, 32), state));
        }
    }
}
