// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {IFederationCoordinator} from "../../interfaces/IFederationCoordinator.sol";

/// @title What the coordinator stores.
abstract contract State is IFederationCoordinator {
    /// activeUntil of a client that is neither suspended nor out.
    uint32 internal constant SEATED = type(uint32).max;

    struct Entry {
        bytes32 hash; // the commitment; zero: none
        bytes32 priorRoot;
        uint256 index; // of the update plus one; zero: not revealed
    }

    struct Submission {
        address client;
        uint8 shift;
        bytes32 root;
    }

    struct Draft {
        bool complete;
        uint32 nextPage;
        mapping(uint256 page => bytes32) pageRoots;
    }

    struct Round {
        uint64 openedAt; // 0: never opened
        uint64 trainEnd; // the deadline, or when all active clients had committed
        uint64 priorAt; // since when the prior root is known; 0: not yet
        uint64 revealEnd; // when all matching committers had revealed; 0: by the clock
        uint64 attestEnd; // when all revealers had attested; 0: by the clock
        uint64 settledAt; // 0: unsettled
        uint64 convictedAt; // of the last conviction; 0: none
        uint64 totalWeight; // of all revealed updates
        VoidReason voidReason; // a settled round without one is final
        uint16 active;
        uint16 committed;
        uint16 revealed;
        uint16 attested;
        uint16 convicted;
        uint64 committerWeight; // weight in the unsettled round before of those who committed in this one
        bytes32 priorRoot;
        bytes32 inputsHash;
        uint256 attestedMask;
        uint256 acceptedMask; // written once Attest is over
        uint32[256] weights; // by index of the update
        uint32[256] yes;
        Submission[] submissions;
        Proposal[] live; // oldest first; the first one of a final round won
        mapping(bytes32 root => bool) proposed; // convicted ones too
        mapping(bytes32 priorRoot => uint16) named; // commits that name it
        mapping(address client => Entry) entries;
        mapping(address proposer => Draft) drafts;
    }

    Config internal _config;
    Balances internal _balances;

    uint32 internal _lastOpened;
    uint32 internal _finalCount;
    uint32 internal _latestFinal; // the last two final rounds; 0: none
    uint32 internal _previousFinal;
    uint16 internal _activeCount;
    bool internal _closed;
    uint32 internal _globalLeaves; // of a global's tree: `leafCount` for each part that the rule has
    bytes32 internal _latestRoot; // of the last final round, or genesis

    EnumerableSet.AddressSet internal _seated;
    mapping(address account => Seat) internal _seats;
    mapping(address account => uint256) internal _owed;
    mapping(uint256 number => Round) internal _rounds;
}
