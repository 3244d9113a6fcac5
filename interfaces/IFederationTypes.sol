// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAggregationRule} from "./IAggregationRule.sol";
import {IMembershipGate} from "./IMembershipGate.sol";

/// @title The words of a federation: structs, events, errors.
/// @dev Rounds are numbered from 1; "round 0" is the genesis adapter.
interface IFederationTypes {
    // ------------------------------------------------------------------ types

    enum Phase {
        None, // never opened
        Train, // commits are open
        Waiting, // Train is over, the round before is not settled yet
        Reveal,
        Attest,
        Aggregate, // inputs are fixed, no live proposal
        Challenge, // at least one live proposal
        Final,
        Void
    }

    enum VoidReason {
        None,
        TooFewCommits, // fewer than minClients commits name the right prior
        TooFewReveals, // the revealed stand for less than two thirds of what the matching commits back
        TooFewAccepted, // accepted updates hold less than two thirds of the revealed weight
        Abandoned, // no surviving proposal for `abandonAfter`
        PriorVoid // the round before was void
    }

    /// @notice Everything fixed for the federation's life. Times are seconds, money is token units.
    struct Config {
        IERC20 token;
        IAggregationRule rule;
        IMembershipGate gate; // zero address: open to all
        address disputes; // may void a proposal and slash its bond, nothing else
        address sponsor; // may close openings and take back the free pool
        bytes32 specDigest; // sha2-256 of the spec document
        bytes32 genesisRoot; // root of global 0
        uint32 leafCount; // of an update: 2 .. 2^20; a global has as many for each part of the rule
        uint32 leafValues; // K: a power of two, 32 .. 8192
        uint8 mantissaBits; // 8 or 16
        uint8 maxShift; // of an update's mantissas; maxShift + mantissaBits <= 31
        uint32 serverLr; // 1 .. 2^17, unit 2^-16
        uint16 minClients; // 1 .. maxClients; active to open a round, and committed to its prior
        uint16 maxClients; // 1 .. 256, and no more than the rule can prove
        uint32 totalRounds; // final rounds until the federation is complete
        uint16 aggregatorBps; // proposer's share of a round's reward
        uint256 roundReward;
        uint256 minStake; // >= 4 * penalty, and >= stakePerExample + 2 * penalty
        uint256 stakePerExample; // > 0; one unit of weight per this much stake
        uint256 penalty; // no reveal, wrong prior, or no attestation
        uint256 bondBase; // >= roundReward / 4; bond = bondBase << min(6, the proposer's own convictions)
        uint32 trainLength;
        uint32 revealLength;
        uint32 attestLength;
        uint32 challengeLength; // >= minWindow
        uint32 minWindow;
        uint32 abandonAfter; // counted from the end of Attest or the last conviction
    }

    /// @notice A client's place in the federation.
    struct Seat {
        uint256 stake; // after every penalty of settled rounds that was applied so far
        uint32 activeFrom; // first round it may commit in; 0: never joined
        uint32 activeUntil; // first round it may not; type(uint32).max while seated
        uint32 pendingOld; // rounds whose consequences are not applied yet (0: none)
        uint32 pendingNew;
        uint32 lastCommit; // the last round it committed in (0: none)
        bool exited; // left or dropped; may withdraw once nothing is pending
    }

    /// @notice What a round is, as of this block's timestamp.
    struct RoundView {
        Phase phase;
        VoidReason voidReason;
        uint64 openedAt;
        uint64 phaseStart;
        uint64 phaseEnd; // 0: no deadline; for Challenge, the end of the first live proposal's window
        uint64 settledAt; // 0 while unsettled
        bytes32 priorRoot; // zero while the round before is unsettled
        bytes32 globalRoot; // zero unless Final
        bytes32 inputsHash; // over the reveals so far
        uint16 active; // clients that may commit
        uint16 committed;
        uint16 matching; // commits that name `priorRoot` (0 while it is unknown)
        uint16 revealed;
        uint16 attested;
        uint64 totalWeight; // W: of everything revealed
        uint256 acceptedMask; // bit i: update i is accepted; zero before Attest is over
        address aggregator; // the winner, once Final
        uint32 convicted; // proposals convicted so far
        uint32 live; // completed proposals that are not convicted
    }

    struct Commitment {
        bytes32 hash; // zero: none
        bytes32 priorRoot;
        uint32 backed; // examples that the stake carried when it was made: bounds the update's weight
    }

    /// @notice A revealed update.
    struct Update {
        address client;
        bytes32 root;
        uint32 weight;
        uint8 shift;
        bool attested; // this client sent its bitmap
        uint64 yes; // weight of the attesters that vouch for it, itself included
    }

    /// @notice A completed proposal that is not convicted.
    struct Proposal {
        address proposer;
        bytes32 root;
        uint256 bond;
        uint64 completedAt;
        uint64 windowEnd; // convictable until then: later for each proposal that came before it in the round
    }

    /// @notice token.balanceOf(this) is at least the sum of these (exactly, unless tokens were sent unasked).
    struct Balances {
        uint256 stakes;
        uint256 bonds;
        uint256 owed;
        uint256 reserved;
        uint256 pool;
        uint256 burned;
    }

    // ----------------------------------------------------------------- events

    event Funded(address indexed from, uint256 amount);
    event Closed(uint256 returnedToSponsor);
    event Joined(address indexed client, uint32 activeFrom, uint256 stake);
    event StakeAdded(address indexed client, uint256 amount, uint256 stake);
    event Suspended(address indexed client, uint32 activeUntil, uint256 stake); // stake fell under minStake
    event Reactivated(address indexed client, uint32 activeFrom, uint256 stake);
    event Exited(address indexed client, uint32 activeUntil);
    event Dropped(address indexed client, address indexed by, uint32 activeUntil);
    event Withdrawn(address indexed client, uint256 stake);
    event Claimed(address indexed account, uint256 amount);
    event RoundOpened(uint256 indexed round, uint16 active, uint256 reserved, uint64 trainEnd);
    event Committed(uint256 indexed round, address indexed client, bytes32 priorRoot, bytes32 hash);
    event Revealed(
        uint256 indexed round,
        address indexed client,
        uint16 index,
        bytes32 root,
        uint8 shift,
        uint32 examples,
        uint32 weight,
        uint64 lossBefore, // self-reported, unit 1e-6; nothing depends on it
        uint64 lossAfter,
        bytes32 inputsHash
    );
    event Attested(uint256 indexed round, address indexed client, uint256 bitmap);
    event ProposalPaged(
        uint256 indexed round, address indexed proposer, uint256 page, bytes32 pageRoot, bytes32[] digests
    );
    event Proposed(uint256 indexed round, address indexed proposer, bytes32 indexed root, uint256 bond, uint64 windowEnd);
    event Convicted(
        uint256 indexed round, address indexed proposer, address indexed challenger, bytes32 root, uint256 bounty
    );
    event RoundFinalized(
        uint256 indexed round,
        address indexed aggregator,
        bytes32 root,
        uint64 at,
        uint256 aggregatorReward,
        uint256 clientRewards,
        uint256 returnedToPool
    );
    event RoundVoided(uint256 indexed round, VoidReason reason, uint64 at, uint256 returnedToPool);
    event Rewarded(uint256 indexed round, address indexed client, uint256 amount);
    event Penalized(uint256 indexed round, address indexed client, uint256 amount, PenaltyReason reason);
    event BondReturned(uint256 indexed round, address indexed proposer, uint256 amount);

    enum PenaltyReason {
        WrongPrior,
        NotRevealed,
        NotAttested
    }

    // ----------------------------------------------------------------- errors

    error BadConfig(string field);
    error WrongPhase(uint256 round, Phase expected, Phase actual);
    error NotActive(address account, uint256 round);
    error AlreadySeated(address account);
    error NotSeated(address account);
    error WithdrawFirst(address account); // left before, its old stake is still here
    error StakeTooLow(uint256 stake, uint256 needed);
    error FederationFull(uint256 maxClients);
    error NotAllowed(address account); // the gate said no, or did not answer
    error TooLittleGas(); // to ask the gate
    error Inspected(bool answered, bytes answer); // `inspect`'s answer
    error FederationClosed();
    error FederationComplete();
    error TooFewActive(uint256 active, uint256 needed);
    error PoolTooLow(uint256 pool, uint256 needed);
    error RoundNotOpenable(uint256 round); // not the next one, or the one before is still open
    error WrongPrior(bytes32 given, bytes32 expected);
    error ZeroHash();
    error NoCommit(address account, uint256 round);
    error CommitMismatch(bytes32 given, bytes32 committed);
    error AlreadyRevealed(address account, uint256 round);
    error ShiftTooLarge(uint256 shift);
    error ZeroWeight();
    error ZeroRoot();
    error NotRevealed(address account, uint256 round);
    error AlreadyAttested(address account, uint256 round);
    error WrongInputs(bytes32 given, bytes32 expected);
    error BitmapOutOfRange(uint256 bitmap, uint256 updates);
    error WrongAccepted(uint256 given, uint256 expected);
    error AlreadyProposed(address proposer, uint256 round);
    error WrongPage(uint256 page, uint256 expected);
    error WrongPageLength(uint256 length, uint256 expected);
    error DuplicateRoot(bytes32 root);
    error NoSuchProposal(uint256 round, bytes32 root);
    error NotDisputes(address caller);
    error NotSponsor(address caller);
    error NotAbandoned(uint256 round);
    error NotDroppable(address client);
    error StillPending(address account, uint256 round);
    error NotExited(address account);
    error NothingOwed(address account);
    error ZeroAmount();
    error TransferMismatch(uint256 received, uint256 expected); // a token that takes a fee
}
