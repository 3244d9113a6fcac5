// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../interfaces/IAggregationRule.sol";
import {WeightedSums} from "../libraries/WeightedSums.sol";

/// @title Federated averaging with Nesterov's momentum at the server (Hsu et al. 2019, arXiv:1909.06335, in the form of
/// DiLoCo, Douillard et al. 2023, arXiv:2311.08105), in integers.
/// @notice Per value, with the momentum v of the prior: mean = R(S, W) as in FedAvg; v' = clamp_int32(R(v * M, 2^16) + mean);
/// look = mean + R(v' * M, 2^16); g' = clamp_int32(g + R(look * serverLr, 2^16)). M is `MOMENTUM`.
/// R(a, b) = sign(a) * floor((2|a| + b) / 2b): to nearest, halves away from zero.
/// @dev Twin of `fedaggregator.rules.fedavgm`; `reference/FedAvgMReference.sol` is the same as one reads it. A federation
/// that wants another momentum deploys a contract with another constant and another name.
contract FedAvgM is IAggregationRule {
    /// @dev How much of the momentum is kept from round to round, in units of 2^-16: 0.3.
    uint256 private constant MOMENTUM = 19_661;
    uint256 private constant PART_BYTES = 4; // of a value in each of the two parts, weights and momentum

    error BadTotalWeight(uint256 totalWeight);

    /// @inheritdoc IAggregationRule
    function name() external pure returns (string memory) {
        return "fedavgm";
    }

    /// @inheritdoc IAggregationRule
    /// @dev Weights, and the momentum of each.
    function parts() external pure returns (uint256) {
        return 2;
    }

    /// @inheritdoc IAggregationRule
    /// @dev Sums have one length whatever the number of updates, so a case can be carried on. But of the largest leaves
    /// (K = 8,192) the sums and both parts of the prior are more than the calldata of a call: then all updates must come
    /// in the one call that needs no sums.
    function maxClients(uint256 leafValues, uint8 bits) external pure returns (uint256) {
        if (bits > 16) return 0;
        if (leafValues <= 4096) return 256;
        return bits == 8 ? 6 : 3;
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
        uint256 count = prior.length / (2 * PART_BYTES);
        if (prior.length != count * 2 * PART_BYTES) revert LengthMismatch(prior.length, count * 2 * PART_BYTES);
        if (sums.length != count * WeightedSums.WIDTH) revert LengthMismatch(sums.length, count * WeightedSums.WIDTH);

        result = new bytes(prior.length + 64); // room for what spills over the end of each part, see below
        assembly ("memory-safe") {
            mstore(result, prior.length)
            let size := shr(1, prior.length) // of a part
            let to := add(result, 32)
            let end := add(to, size)
            let old := sub(prior.offset, to)
            let from := sub(sums.offset, shl(1, to))
            // R(a, 2^16) is sar(16, a + 2^15 + sign), with the sign of a as 0 or -1.
            for {} lt(to, end) { to := add(to, 4) } {
                // R(S, W) works on |S| and gives the sign back: (x ^ sign) - sign is x or -x.
                let mean := sar(192, calldataload(add(from, shl(1, to))))
                let sign := sar(255, mean)
                mean := div(add(shl(1, sub(xor(mean, sign), sign)), totalWeight), shl(1, totalWeight))
                mean := sub(xor(mean, sign), sign)
                let value := mul(sar(224, calldataload(add(add(old, size), to))), MOMENTUM)
                value := add(sar(16, add(add(value, sar(255, value)), 0x8000)), mean)
                if shr(32, add(value, 0x80000000)) {
                    value := xor(0x7fffffff, sar(255, value)) // the largest int32, or the smallest
                }
                // Each word spills over the next ones, which are stored later; the last weight's over a gap of a word,
                // which the momentum leaves before it.
                mstore(add(add(to, size), 32), shl(224, value))
                value := mul(value, MOMENTUM)
                value := mul(add(sar(16, add(add(value, sar(255, value)), 0x8000)), mean), serverLr) // look * serverLr
                value := add(sar(16, add(add(value, sar(255, value)), 0x8000)), sar(224, calldataload(add(old, to))))
                if shr(32, add(value, 0x80000000)) { value := xor(0x7fffffff, sar(255, value)) }
                mstore(to, shl(224, value))
            }
            mcopy(end, add(end, 32), size) // closes the gap
        }
    }
}
