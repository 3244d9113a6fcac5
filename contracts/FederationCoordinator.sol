// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ConfigCheck} from "./coordinator/ConfigCheck.sol";
import {Proposals} from "./coordinator/Proposals.sol";
import {Rounds} from "./coordinator/Rounds.sol";
import {Seats} from "./coordinator/Seats.sol";
import {Views} from "./coordinator/Views.sol";

/// @title One federation: seats, rounds, proposals, money.
/// @notice Nobody owns it: the configuration is fixed here, the sponsor may only end further openings.
/// @dev State <- Clock (what time has decided) <- Ledger (settlement, money) <- the calls.
contract FederationCoordinator is Seats, Rounds, Proposals, Views {
    constructor(Config memory config_) {
        ConfigCheck.check(config_);
        _config = config_;
        _latestRoot = config_.genesisRoot;
        _globalLeaves = uint32(config_.leafCount * config_.rule.parts());
    }
}
