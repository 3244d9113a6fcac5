// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAggregationRule} from "./IAggregationRule.sol";
import {IMembershipGate} from "./IMembershipGate.sol";

/// @title One federation: seats, rounds, proposals, money.
/// @notice `docs/protocol.md` is the specification in words, `fedprotocol.round` the same machine in Python.
/// @dev Rounds are numbered from 1; "round 0" is the genesis adapter. Phases are views of time and storage: every
/// state-changing call first settles what time has decided, so nobody has to tick.
interface IFederationCoordinator {
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
        TooFewReveals,
        TooFewAccepted,
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
        uint32 serverLr; // 1 .. 2^17, unit 2^-16
        uint16 minClients; // 1 .. maxClients
        uint16 maxClients; // 1 .. 256, and no more than the rule can prove
        uint32 totalRounds; // final rounds until the federation is complete
        uint16 aggregatorBps; // proposer's share of a round's reward
        uint256 roundReward;
        uint256 minStake; // >= 4 * penalty, and >= stakePerExample + 2 * penalty
        uint256 stakePerExample; // > 0; one unit of weight per this much stake
        uint256 penalty; // no reveal, wrong prior, or no attestation
        uint256 bondBase; // >= roundReward / 4; bond = bondBase << min(6, live + convicted)
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
        uint16 convicted; // proposals convicted so far
    }

    struct Commitment {
        bytes32 hash; // zero: none
        bytes32 priorRoot;
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
    event ProposalPaged(uint256 indexed round, address indexed proposer, uint256 page, bytes32 pageRoot);
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
    error AlreadyProposed(address proposer, uint256 round);
    error WrongPage(uint256 page, uint256 expected);
    error WrongPageLength(uint256 length, uint256 expected);
    error DuplicateRoot(bytes32 root);
    error TooManyProposals();
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

    // ------------------------------------------------------------ seats, money

    /// @notice Add to the pool that rewards are paid from.
    function fund(uint256 amount) external;

    /// @notice Sponsor: no further openings; the free pool becomes owed to the sponsor. May be called again.
    function close() external;

    /// @notice Take a seat from the next unopened round on.
    function join(uint256 stake) external;

    /// @notice Add to one's stake; lifts a suspension once it is at least `minStake` again: from the next unopened round
    /// on, or without a break if no round was missed.
    function addStake(uint256 amount) external;

    /// @notice Give up one's seat from the next unopened round on.
    function exit() external;

    /// @notice Anyone: free the seat of a client that had it when the last but one final round opened, and has committed
    /// neither in that round nor in any since.
    function drop(address client) external;

    /// @notice After exit or drop: take back the stake. Reverts while a round one committed in is unsettled.
    function withdraw() external;

    /// @notice Take what is owed to the caller: rewards, returned bonds, bounties.
    function claim() external;

    /// @notice Anyone: settle what time has decided, and apply the consequences to `account`.
    function settle(address account) external;

    // ------------------------------------------------------------------ rounds

    /// @notice Open the next round, if it may.
    function open() external;

    /// @notice Commit to an update trained on `priorRoot`; opens `round` if it is the next one. May be replaced.
    function commit(uint256 round, bytes32 priorRoot, bytes32 hash) external;

    /// @notice Open one's commitment: hash = keccak256(abi.encode(uint256 chainid, address this, uint256 round,
    /// address sender, bytes32 priorRoot, bytes32 root, uint8 shift, uint32 examples, bytes32 salt)).
    function reveal(
        uint256 round,
        bytes32 root,
        uint8 shift,
        uint32 examples,
        bytes32 salt,
        uint64 lossBefore,
        uint64 lossAfter
    ) external;

    /// @notice Say which updates one fetched, checked and pinned (bit i: update i).
    function attest(uint256 round, bytes32 inputsHash, uint256 bitmap) external;

    /// @notice Hand in page `page` of a proposed global's leaf digests: exactly 2,048 a page, fewer only in the last.
    /// Page 0 starts over. The last page takes the bond and opens the proposal's window.
    function propose(uint256 round, uint256 page, bytes32[] calldata digests) external;

    /// @notice Disputes only: void the live proposal with this root; half its bond goes to `challenger`, half is burned.
    function convict(uint256 round, bytes32 root, address challenger) external;

    /// @notice Anyone: void a round that had no live proposal for `abandonAfter`.
    function abandon(uint256 round) external;

    // ------------------------------------------------------------------- views
    // Rounds, `finalCount` and `latestFinal` are as of the block's timestamp; seats and money as last settled.

    function config() external view returns (Config memory);
    function balances() external view returns (Balances memory);
    function seat(address account) external view returns (Seat memory);
    function owed(address account) external view returns (uint256); // already credited
    function clients() external view returns (address[] memory); // seated now
    function activeCount() external view returns (uint16); // would be active in the next round
    function lastOpened() external view returns (uint32);
    function finalCount() external view returns (uint32);
    function latestFinal() external view returns (uint32 round, bytes32 root); // as of now
    function isClosed() external view returns (bool);
    function roundView(uint256 round) external view returns (RoundView memory);
    function commitment(uint256 round, address client) external view returns (Commitment memory);
    /// @return index Position of the client's update plus one; 0: it did not reveal.
    function updateIndex(uint256 round, address client) external view returns (uint256 index);
    function updates(uint256 round) external view returns (Update[] memory);
    function update(uint256 round, uint256 index) external view returns (Update memory);
    function proposals(uint256 round) external view returns (Proposal[] memory); // live, oldest first
    /// @return nextPage Pages of an unfinished proposal already in.
    function pagesOf(uint256 round, address proposer) external view returns (uint256 nextPage);
    function bondOf(uint256 round) external view returns (uint256); // what a proposal would cost now
}
