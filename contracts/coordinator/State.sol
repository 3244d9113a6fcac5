// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {IFederationTypes} from "../../interfaces/IFederationTypes.sol";

/// @title What the coordinator stores.
abstract contract State is IFederationTypes {
    /// activeUntil of a client that is neither suspended nor out.
    uint32 internal constant SEATED = type(uint32).max;
    uint256 private constant MAX_BOND_SHIFT = 6;
    uint8 internal constant MASKED_BITS = 32;

    struct Entry {
        bytes32 hash; // the commitment; zero: none
        bytes32 priorRoot;
        uint16 position; // of the update plus one; zero: not revealed
        uint32 backed; // examples that the stake carried at the commit
    }

    struct Submission {
        address client;
        uint8 shift;
        bytes32 root;
    }

    /// @dev The commits of a round that name one prior root.
    struct Naming {
        uint16 commits;
        uint64 backed; // in all
    }

    /// @dev A completed proposal in the round's list of live ones, oldest first; deleted with its conviction.
    struct Listed {
        address proposer;
        uint64 completedAt;
        uint32 older; // ids of its neighbours; 0: none
        bytes32 root;
        uint160 bond;
        uint64 windowEnd;
        uint32 younger;
    }

    struct Draft {
        uint32 id; // of the completed proposal; 0: not complete
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
        uint64 committerWeight; // weight in the unsettled round before of those who committed in this one
        uint64 revealedBacking; // what the commits of those who revealed back
        uint32 proposed; // proposals completed so far; the last one's id
        uint32 live; // of these, not convicted
        uint32 oldest; // ids of the ends of the list of live ones; the oldest of a final round won
        uint32 youngest;
        bytes32 priorRoot;
        bytes32 inputsHash;
        uint256 attestedMask;
        uint256 acceptedMask; // written once Attest is over
        uint32[256] weights; // by index of the update
        uint32[256] yes;
        Submission[] submissions;
        mapping(uint256 id => Listed) listed;
        mapping(bytes32 root => uint32) idOf; // convicted ones too
        mapping(bytes32 priorRoot => Naming) named;
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
    mapping(address proposer => uint256) internal _convictions;
    mapping(address proposer => uint32) internal _bondRound; // whose bond is not collected yet; 0: none
    mapping(uint256 number => Round) internal _rounds;

    /// @dev Updates are masked: others see their sum alone. All of a round's committers deliver, or it is void.
    function _isMasked() internal view returns (bool) {
        return _config.mantissaBits == MASKED_BITS;
    }

    /// @dev What a proposal would cost `proposer`: more for each of its own that was convicted, whatever others do.
    function _bondOf(address proposer) internal view returns (uint256) {
        uint256 shift = _convictions[proposer];
        return _config.bondBase << (shift < MAX_BOND_SHIFT ? shift : MAX_BOND_SHIFT);
    }

    function _update(uint256 round, uint256 index) internal view returns (Update memory) {
        Round storage r = _rounds[round];
        Submission storage s = r.submissions[index];
        bool attested = (r.attestedMask >> index) & 1 == 1;
        return Update(s.client, s.root, r.weights[index], s.shift, attested, r.yes[index]);
    }
}
