// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../interfaces/IAggregationRule.sol";
import {GatheredLeaves} from "../libraries/GatheredLeaves.sol";
import {LeafNorms} from "../libraries/LeafNorms.sol";
import {ScaledSums} from "../libraries/ScaledSums.sol";
import {ServerStep} from "../libraries/ServerStep.sol";

/// @title The weighted mean of updates of which none is longer than the median, leaf by leaf, in integers.
/// @notice Clipping to a quantile of the norms, as in adaptive clipping (Andrew et al. 2021, arXiv:1905.03871), but leaf by
/// leaf, because a leaf is what a proof opens. Per leaf: x_ij = m_ij << shift_i; N_i = floor(sqrt(sum_j x_ij^2)); B is the
/// lower median of all N_i; f_i = 2^16 if N_i <= B, else floor(B * 2^16 / N_i).
/// Per value: y_i = floor((x_i * f_i + 2^15) / 2^16); mean = R(sum w_i * y_i, W); step = R(mean * serverLr, 2^16);
/// g' = clamp_int32(g + step), with R(a, b) = sign(a) * floor((2|a| + b) / 2b): to nearest, halves away from zero.
/// @dev Twin of `fedaggregator.rules.norm_bounded`; `reference/NormBoundedMeanReference.sol` is the same as one reads it.
/// The median counts updates, not weights, so that weight alone never moves the bound: whoever is less than half of the
/// updates can neither raise it above the others' norms nor lower it below them.
contract NormBoundedMean is IAggregationRule {
    error BadTotalWeight(uint256 totalWeight);

    /// @inheritdoc IAggregationRule
    function name() external pure returns (string memory) {
        return "norm-bounded";
    }

    /// @inheritdoc IAggregationRule
    function parts() external pure returns (uint256) {
        return 1;
    }

    /// @inheritdoc IAggregationRule
    /// @dev All leaves must be in the calldata of one call. What fits there is finished with less than the gas of a call.
    function maxClients(uint256 leafValues, uint8 bits) external pure returns (uint256) {
        return GatheredLeaves.most(leafValues, bits);
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
    function finish(bytes calldata sums, bytes calldata prior, uint256 totalWeight, uint32 serverLr)
        external
        pure
        returns (bytes memory)
    {
        uint256 values = prior.length / 4;
        if (values == 0 || prior.length % 128 != 0) revert LengthMismatch(prior.length, values / 32 * 128);
        GatheredLeaves.Rows memory rows = GatheredLeaves.read(sums, values);
        (bytes memory bounded, uint256 weight) = ScaledSums.sum(rows, values, _factors(LeafNorms.norms(rows)));
        if (totalWeight != weight) revert BadTotalWeight(totalWeight);
        return ServerStep.step(bounded, prior, weight, serverLr);
    }

    /// @dev What each update is multiplied by, in units of 2^-16.
    function _factors(uint256[] memory norms) private pure returns (uint256[] memory factors) {
        uint256 bound = LeafNorms.lowerMedian(norms);
        factors = norms;
        for (uint256 i = 0; i < norms.length; ++i) {
            factors[i] = norms[i] <= bound ? 2 ** 16 : (bound << 16) / norms[i];
        }
    }
}
