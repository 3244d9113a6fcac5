// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Handler} from "./invariants/Handler.sol";
import {Random} from "./support/Random.sol";

/// @title Random histories of a federation, with everything checked after every call.
abstract contract Invariants {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Handler internal handler;

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[15] memory moves = [
            Handler.advance.selector,
            Handler.advance.selector,
            Handler.passTime.selector,
            Handler.seat.selector,
            Handler.money.selector,
            Handler.client.selector,
            Handler.propose.selector,
            Handler.flood.selector,
            Handler.mistake.selector,
            Handler.convict.selector,
            Handler.carry.selector,
            Handler.slander.selector,
            Handler.abandon.selector,
            Handler.drop.selector,
            Handler.passTime.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), new bytes4[](moves.length));
        for (uint256 i = 0; i < moves.length; ++i) {
            targets[0].selectors[i] = moves[i];
        }
    }

    /// @dev Where its calls are counted; empty: nowhere.
    function _seen() internal pure virtual returns (string memory);

    /// @dev The balance equation and its parts; nobody loses but by their own fault; a right proposal stands; a wrong one
    /// falls to anybody.
    function invariants() external {
        handler.check();
    }

    /// @dev Every phase ends and all can leave.
    function afterInvariant() external {
        if (bytes(_seen()).length > 0) handler.report(_seen());
        handler.windDown();
    }
}

/// @notice Three honest clients, and somebody who convicts what is wrong in time: no honest account ever loses anything.
contract WatchedFederationTest is Invariants {
    function setUp() external {
        handler = new Handler("FedAvg", 3);
    }

    function _seen() internal pure override returns (string memory) {
        return ".tools/forge/seen/watched.csv";
    }
}

/// @notice Nobody does as they should, and wrong globals become final: the books are right all the same.
contract LawlessFederationTest is Invariants {
    function setUp() external {
        handler = new Handler("FedAvg", 0);
    }

    function _seen() internal pure override returns (string memory) {
        return ".tools/forge/seen/lawless.csv";
    }
}

/// @title A watched federation under another rule than FedAvg: shorter, because what differs is what a proof computes.
abstract contract RuleFederation is Invariants {
    string private _contractName;

    constructor(string memory contractName) {
        _contractName = contractName;
    }

    function setUp() external {
        handler = new Handler(_contractName, 3);
    }

    function _seen() internal pure override returns (string memory) {
        return "";
    }
}

/// forge-config: default.invariant.runs = 1
/// forge-config: ci.invariant.runs = 1
/// forge-config: ci.invariant.depth = 120
/// forge-config: deep.invariant.runs = 100
contract FedAvgMFederationTest is RuleFederation("FedAvgM") {}

/// forge-config: default.invariant.runs = 1
/// forge-config: ci.invariant.runs = 1
/// forge-config: ci.invariant.depth = 120
/// forge-config: deep.invariant.runs = 100
contract TrimmedMeanFederationTest is RuleFederation("TrimmedMean") {}

/// forge-config: default.invariant.runs = 1
/// forge-config: ci.invariant.runs = 1
/// forge-config: ci.invariant.depth = 120
/// forge-config: deep.invariant.runs = 100
contract MedianFederationTest is RuleFederation("Median") {}

/// forge-config: default.invariant.runs = 1
/// forge-config: ci.invariant.runs = 1
/// forge-config: ci.invariant.depth = 120
/// forge-config: deep.invariant.runs = 100
contract NormBoundedMeanFederationTest is RuleFederation("NormBoundedMean") {}

/// @notice Updates are masked: one seat voids a round, and garbage too; nobody pays for what is not their fault.
/// forge-config: default.invariant.runs = 1
/// forge-config: ci.invariant.runs = 1
/// forge-config: ci.invariant.depth = 150
/// forge-config: deep.invariant.runs = 100
contract MaskedFederationTest is RuleFederation("MaskedMean") {}

/// @notice What such histories are made of, without the checks after each call: `run.py` wants every kind to succeed.
contract MaskedHistoryTest {
    function test_history() external {
        Handler player = new Handler("MaskedMean", 3);
        for (uint256 i = 0; i < 400; ++i) {
            uint256 seed = Random.next(0xfed, i);
            if (i % 8 < 4) player.advance(seed);
            if (i % 8 == 4) player.convict(seed);
            if (i % 8 == 5) player.propose(seed);
            if (i % 8 > 5) player.passTime(seed);
            if (i % 8 == 0) player.drop(seed);
        }
        player.report(".tools/forge/seen/masked.csv");
    }
}
