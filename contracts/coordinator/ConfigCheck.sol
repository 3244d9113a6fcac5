// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../interfaces/IFederationTypes.sol";

/// @title The bounds of a federation's parameters.
library ConfigCheck {
    uint256 private constant MAX_PARTS = 8;
    uint256 private constant MAX_LEAVES = 1 << 20;
    /// @dev Products of money and weights, and bonds, stay far below 2^256.
    uint256 private constant MAX_AMOUNT = type(uint128).max;

    function check(IFederationTypes.Config memory c) internal view {
        _require(address(c.token).code.length > 0, "token");
        _require(address(c.rule).code.length > 0, "rule");
        _require(address(c.gate) == address(0) || address(c.gate).code.length > 0, "gate");
        _require(c.disputes.code.length > 0, "disputes");
        _require(c.sponsor != address(0), "sponsor");
        _require(c.specDigest != 0, "specDigest");
        _require(c.genesisRoot != 0, "genesisRoot");
        _require(c.leafCount >= 2 && c.leafCount <= MAX_LEAVES, "leafCount");
        _require(c.leafValues >= 32 && c.leafValues <= 8192 && c.leafValues & (c.leafValues - 1) == 0, "leafValues");
        uint256 parts = c.rule.parts();
        _require(parts >= 1 && parts <= MAX_PARTS && c.leafCount * parts <= MAX_LEAVES, "rule");
        if (c.mantissaBits == 32) {
            _checkMasked(c);
        } else {
            _require(c.mantissaBits == 8 || c.mantissaBits == 16, "mantissaBits");
            _require(uint256(c.maxShift) + c.mantissaBits <= 31, "maxShift");
        }
        _require(c.serverLr >= 1 && c.serverLr <= 1 << 17, "serverLr");
        _require(c.maxClients >= 1 && c.maxClients <= 256, "maxClients");
        _require(c.maxClients <= c.rule.maxClients(c.leafValues, c.mantissaBits), "maxClients");
        _require(c.minClients >= 1 && c.minClients <= c.maxClients, "minClients");
        _require(c.totalRounds >= 1, "totalRounds");
        _require(c.aggregatorBps <= 10_000, "aggregatorBps");
        _require(c.roundReward <= MAX_AMOUNT, "roundReward");
        _require(c.penalty <= MAX_AMOUNT, "penalty");
        _require(c.minStake <= MAX_AMOUNT && c.minStake >= 4 * c.penalty, "minStake");
        // An active client's stake may bear two penalties before it reveals, and must still carry one example.
        _require(c.stakePerExample >= 1 && c.stakePerExample <= c.minStake - 2 * c.penalty, "stakePerExample");
        _require(c.bondBase >= 1 && c.bondBase <= MAX_AMOUNT && 4 * c.bondBase >= c.roundReward, "bondBase");
        _require(c.trainLength >= 1, "trainLength");
        _require(c.revealLength >= 1, "revealLength");
        _require(c.attestLength >= 1, "attestLength");
        _require(c.minWindow >= 1, "minWindow");
        _require(c.challengeLength >= c.minWindow, "challengeLength");
        _require(c.abandonAfter >= 1, "abandonAfter");
    }

    /// @dev Two members together see a third one's update as the rest of the sum; without a gate, one person could be all
    /// but one of them. Whoever voids a round loses at least what it would have paid.
    function _checkMasked(IFederationTypes.Config memory c) private pure {
        _require(address(c.gate) != address(0), "gate");
        _require(c.minClients >= 3, "minClients");
        _require(c.maxClients <= 64, "maxClients");
        _require(c.maxShift == 0, "maxShift");
        _require(c.penalty >= c.roundReward, "penalty");
    }

    function _require(bool holds, string memory field) private pure {
        if (!holds) revert IFederationTypes.BadConfig(field);
    }
}
