// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAggregationRule} from "./IAggregationRule.sol";
import {IMembershipGate} from "./IMembershipGate.sol";

/// @title The words of a federation: structs, events, errors.
/// @dev Rounds are numbered from 1; "round 0" is the genesis adapter. Times are seconds since 1970, money is token
/// units, weights are examples, roots are sha2-256 digests.
interface IFederationTypes {
    // ------------------------------------------------------------------ types

    /// @notice Where a round stands.
    /// @param None The round was never opened.
    /// @param Train Clients train and commit.
    /// @param Waiting Train is over, and the round before is not settled yet.
    /// @param Reveal Clients open their commitments and publish their updates.
    /// @param Attest Clients vote for the updates that they fetched and checked.
    /// @param Aggregate The inputs are fixed, and no proposal is live.
    /// @param Challenge At least one proposal is live.
    /// @param Final The round has a global.
    /// @param Void The round has ended without a global.
    enum Phase {
        None,
        Train,
        Waiting,
        Reveal,
        Attest,
        Aggregate,
        Challenge,
        Final,
        Void
    }

    /// @notice Why a round has ended without a global.
    /// @param None The round is not void.
    /// @param TooFewCommits Fewer than `minClients` commits name the right prior.
    /// @param TooFewReveals The revealed updates stand for less than two thirds of what the matching commits back; in a
    /// masked federation, one of the matching commits was not revealed.
    /// @param TooFewAccepted The accepted updates hold less than two thirds of the revealed weight; in a masked
    /// federation, one of them is not accepted.
    /// @param Abandoned No proposal was live for `abandonAfter`.
    /// @param PriorVoid The round before was void.
    /// @param Garbage In a masked federation, the sum of all updates is none of honest ones.
    enum VoidReason {
        None,
        TooFewCommits,
        TooFewReveals,
        TooFewAccepted,
        Abandoned,
        PriorVoid,
        Garbage
    }

    /// @notice Everything that is fixed for the federation's life. Lengths of time are in seconds.
    /// @param token The token in which stakes, bonds and rewards are paid.
    /// @param rule The contract that computes the global of a round, leaf by leaf.
    /// @param gate The contract that says who may take a seat; the zero address lets everybody in.
    /// @param disputes The contract that may convict a proposal, and may do nothing else.
    /// @param sponsor The account that may stop further openings and take back what is free in the pool.
    /// @param specDigest The sha2-256 digest of the spec document.
    /// @param genesisRoot The root of global 0, the adapter before any training.
    /// @param leafCount The number of leaves of an update, 2 to 2^20; a global has as many for each part of the rule.
    /// @param leafValues K, the number of values in a leaf: a power of two, 32 to 8192.
    /// @param mantissaBits The width of an update's mantissas, 8 or 16 bits.
    /// @param maxShift The largest shift of an update; `maxShift + mantissaBits` is at most 31.
    /// @param serverLr The server's learning rate in units of 2^-16, from 1 to 2^17.
    /// @param minClients The number of clients, 1 to `maxClients`, that must be active to open a round, and that must
    /// have committed to its prior at the end of Train.
    /// @param maxClients The number of seats, 1 to 256, and no more than the rule can prove.
    /// @param totalRounds The number of final rounds after which the federation is complete.
    /// @param aggregatorBps The share of a round's reward that its proposer gets, in hundredths of a percent.
    /// @param roundReward What the pool pays for a final round.
    /// @param minStake The least stake of an active client: at least `4 * penalty` and `stakePerExample + 2 * penalty`.
    /// @param stakePerExample The stake that an example of weight takes, above zero.
    /// @param penalty What a client loses that does not reveal, names a wrong prior, or does not attest.
    /// @param bondBase The bond of a proposal, at least `roundReward / 4`. It doubles with each of the proposer's own
    /// convictions, six times at most.
    /// @param trainLength The length of Train.
    /// @param revealLength The length of Reveal.
    /// @param attestLength The length of Attest.
    /// @param challengeLength The time in which a proposal can be convicted, at least `minWindow`.
    /// @param minWindow The same where the clients' commits in the next round agree on the proposal.
    /// @param abandonAfter The time without a live proposal after which a round can be abandoned, counted from the end
    /// of Attest or from the last conviction.
    struct Config {
        IERC20 token;
        IAggregationRule rule;
        IMembershipGate gate;
        address disputes;
        address sponsor;
        bytes32 specDigest;
        bytes32 genesisRoot;
        uint32 leafCount;
        uint32 leafValues;
        uint8 mantissaBits;
        uint8 maxShift;
        uint32 serverLr;
        uint16 minClients;
        uint16 maxClients;
        uint32 totalRounds;
        uint16 aggregatorBps;
        uint256 roundReward;
        uint256 minStake;
        uint256 stakePerExample;
        uint256 penalty;
        uint256 bondBase;
        uint32 trainLength;
        uint32 revealLength;
        uint32 attestLength;
        uint32 challengeLength;
        uint32 minWindow;
        uint32 abandonAfter;
    }

    /// @notice A client's place in the federation.
    /// @param stake The client's stake after every penalty that was applied so far.
    /// @param activeFrom The first round in which the client may commit; 0 if it never joined.
    /// @param activeUntil The first round in which it may no longer commit; type(uint32).max while it is seated.
    /// @param pendingOld The older of the rounds whose consequences are not applied yet; 0 if there is none.
    /// @param pendingNew The newer of them; 0 if there are fewer than two.
    /// @param lastCommit The last round in which the client committed; 0 if there is none.
    /// @param exited Whether the client has left or was dropped; it may withdraw its stake once nothing is pending.
    struct Seat {
        uint256 stake;
        uint32 activeFrom;
        uint32 activeUntil;
        uint32 pendingOld;
        uint32 pendingNew;
        uint32 lastCommit;
        bool exited;
    }

    /// @notice What a round is, as of the block's timestamp.
    /// @param phase The phase that the round is in.
    /// @param voidReason Why the round is void; None unless it is.
    /// @param openedAt When the round was opened.
    /// @param phaseStart When the phase began.
    /// @param phaseEnd When the phase ends by the clock; 0 if it has no deadline. Challenge ends with the window of the
    /// oldest live proposal.
    /// @param settledAt When the round was settled; 0 while it is not.
    /// @param priorRoot The root of the global that the round starts from; zero while the round before is unsettled.
    /// @param globalRoot The root of the round's global; zero unless the round is final.
    /// @param inputsHash The hash over the reveals so far; zero before the first.
    /// @param active The number of clients that may commit.
    /// @param committed The number of clients that have committed.
    /// @param matching The number of commits that name `priorRoot`; 0 while it is unknown.
    /// @param revealed The number of revealed updates.
    /// @param attested The number of clients that have attested.
    /// @param totalWeight The weight of all revealed updates together.
    /// @param acceptedMask The accepted updates, bit i for update i; zero before Attest is over.
    /// @param aggregator The account that proposed the round's global; the zero address unless the round is final.
    /// @param convicted The number of proposals that were convicted so far.
    /// @param live The number of completed proposals that are not convicted.
    struct RoundView {
        Phase phase;
        VoidReason voidReason;
        uint64 openedAt;
        uint64 phaseStart;
        uint64 phaseEnd;
        uint64 settledAt;
        bytes32 priorRoot;
        bytes32 globalRoot;
        bytes32 inputsHash;
        uint16 active;
        uint16 committed;
        uint16 matching;
        uint16 revealed;
        uint16 attested;
        uint64 totalWeight;
        uint256 acceptedMask;
        address aggregator;
        uint32 convicted;
        uint32 live;
    }

    /// @notice What a client has committed to in a round.
    /// @param hash The hash of the update and a secret; zero if there is no commitment.
    /// @param priorRoot The root of the global that the client says it trained on.
    /// @param backed The number of examples that the stake carried when the commitment was made. The update weighs no
    /// more.
    struct Commitment {
        bytes32 hash;
        bytes32 priorRoot;
        uint32 backed;
    }

    /// @notice A revealed update.
    /// @param client The account whose update it is.
    /// @param root The root of the update's tree.
    /// @param weight How much the update counts.
    /// @param shift The shift of the update: its values are mantissas times 2^shift units.
    /// @param attested Whether this client has sent its votes.
    /// @param yes The weight of the attesters that vouch for the update, its own client included.
    struct Update {
        address client;
        bytes32 root;
        uint32 weight;
        uint8 shift;
        bool attested;
        uint64 yes;
    }

    /// @notice A completed proposal that is not convicted.
    /// @param proposer The account that made it.
    /// @param root The root of the proposed global's tree.
    /// @param bond What the proposer loses if the proposal is convicted.
    /// @param completedAt When the last page came in.
    /// @param windowEnd Until when the proposal can be convicted: later for each proposal before it in the round.
    struct Proposal {
        address proposer;
        bytes32 root;
        uint256 bond;
        uint64 completedAt;
        uint64 windowEnd;
    }

    /// @notice What the coordinator's tokens are for. Together these are at most token.balanceOf(coordinator), and
    /// exactly that unless somebody sent tokens unasked.
    /// @param stakes The stakes of all clients.
    /// @param bonds The bonds of all live proposals, and those that are not returned yet.
    /// @param owed What accounts can claim, rewards that are not applied to their accounts yet included.
    /// @param reserved The rewards of the rounds that are not settled.
    /// @param pool What is free to pay for further rounds.
    /// @param burned What penalties and convicted bonds have taken; nobody can ever take it out.
    struct Balances {
        uint256 stakes;
        uint256 bonds;
        uint256 owed;
        uint256 reserved;
        uint256 pool;
        uint256 burned;
    }

    /// @notice What a client was penalized for.
    /// @param WrongPrior Its commit names another root than the round's prior.
    /// @param NotRevealed It committed and did not reveal.
    /// @param NotAttested It revealed and did not attest.
    /// @param NotAccepted In a masked federation, its update kept the round from a global: less than a third of the
    /// others' weight vouches for it.
    enum PenaltyReason {
        WrongPrior,
        NotRevealed,
        NotAttested,
        NotAccepted
    }

    // ----------------------------------------------------------------- events

    /// @notice Somebody has added tokens to the pool.
    /// @param from The account that paid them.
    /// @param amount The number of token units.
    event Funded(address indexed from, uint256 amount);

    /// @notice The sponsor has stopped further openings.
    /// @param returnedToSponsor What was free in the pool, in token units; it is owed to the sponsor now.
    event Closed(uint256 returnedToSponsor);

    /// @notice An account has taken a seat.
    /// @param client The account of the client.
    /// @param activeFrom The first round in which it may commit.
    /// @param stake Its stake.
    event Joined(address indexed client, uint32 activeFrom, uint256 stake);

    /// @notice A client has added to its stake.
    /// @param client The account of the client.
    /// @param amount What it added.
    /// @param stake Its stake after that.
    event StakeAdded(address indexed client, uint256 amount, uint256 stake);

    /// @notice A penalty has taken a client's stake below `minStake`.
    /// @param client The account of the client.
    /// @param activeUntil The first round in which it may not commit.
    /// @param stake What is left of its stake.
    event Suspended(address indexed client, uint32 activeUntil, uint256 stake);

    /// @notice A suspended client has brought its stake up to `minStake` again.
    /// @param client The account of the client.
    /// @param activeFrom The first round in which it may commit; as before the suspension if it missed none.
    /// @param stake Its stake.
    event Reactivated(address indexed client, uint32 activeFrom, uint256 stake);

    /// @notice A client has given up its seat.
    /// @param client The account of the client.
    /// @param activeUntil The first round in which it may no longer commit.
    event Exited(address indexed client, uint32 activeUntil);

    /// @notice Somebody has freed the seat of a client that is no longer admitted or has long been silent.
    /// @param client The account of the client.
    /// @param by The account that called `drop`.
    /// @param activeUntil The first round in which the client may no longer commit.
    event Dropped(address indexed client, address indexed by, uint32 activeUntil);

    /// @notice A client that left has taken its stake back.
    /// @param client The account of the client.
    /// @param stake What it was paid.
    event Withdrawn(address indexed client, uint256 stake);

    /// @notice An account was paid what was owed to it.
    /// @param account The account.
    /// @param amount What it was paid.
    event Claimed(address indexed account, uint256 amount);

    /// @notice A round has opened.
    /// @param round The number of the round.
    /// @param active The number of clients that may commit in it.
    /// @param reserved The reward that was set aside for it.
    /// @param trainEnd When Train ends by the clock.
    event RoundOpened(uint256 indexed round, uint16 active, uint256 reserved, uint64 trainEnd);

    /// @notice A client has committed to an update, or has replaced its commitment.
    /// @param round The number of the round.
    /// @param client The account of the client.
    /// @param priorRoot The root of the global that it says it trained on.
    /// @param hash The hash of the update and a secret.
    event Committed(uint256 indexed round, address indexed client, bytes32 priorRoot, bytes32 hash);

    /// @notice A client has opened its commitment.
    /// @param round The number of the round.
    /// @param client The account of the client.
    /// @param index The place of the update in the order of reveals, from 0.
    /// @param root The root of the update's tree.
    /// @param shift The shift of the update: its values are mantissas times 2^shift units.
    /// @param examples The number of examples that it was trained on, as the client says.
    /// @param weight How much the update counts.
    /// @param lossBefore The loss at the first step of training in units of 1e-6, as the client says.
    /// @param lossAfter The loss at its last step in units of 1e-6, as the client says.
    /// @param inputsHash The hash over the reveals up to this one.
    event Revealed(
        uint256 indexed round,
        address indexed client,
        uint16 index,
        bytes32 root,
        uint8 shift,
        uint32 examples,
        uint32 weight,
        uint64 lossBefore,
        uint64 lossAfter,
        bytes32 inputsHash
    );

    /// @notice A client has voted for updates.
    /// @param round The number of the round.
    /// @param client The account of the client.
    /// @param bitmap The votes: bit i is set if it vouches for update i.
    event Attested(uint256 indexed round, address indexed client, uint256 bitmap);

    /// @notice One page of a proposed global's leaf digests has come in.
    /// @param round The number of the round.
    /// @param proposer The account that proposes.
    /// @param page The number of the page, from 0.
    /// @param pageRoot The root of the subtree over the page's leaves.
    /// @param digests The digests of these leaves: 2,048, or fewer in the last page.
    event ProposalPaged(
        uint256 indexed round, address indexed proposer, uint256 page, bytes32 pageRoot, bytes32[] digests
    );

    /// @notice A proposal is complete, and can be convicted from now on.
    /// @param round The number of the round.
    /// @param proposer The account that proposes.
    /// @param root The root of the proposed global's tree.
    /// @param bond What the proposer has put up.
    /// @param windowEnd Until when the proposal can be convicted.
    event Proposed(
        uint256 indexed round, address indexed proposer, bytes32 indexed root, uint256 bond, uint64 windowEnd
    );

    /// @notice A proposal was proved wrong.
    /// @param round The number of the round.
    /// @param proposer The account that had proposed it.
    /// @param challenger The account that proved it wrong.
    /// @param root The root of the proposal.
    /// @param bounty The half of the bond that is owed to the challenger now; the other half is burned.
    event Convicted(
        uint256 indexed round, address indexed proposer, address indexed challenger, bytes32 root, uint256 bounty
    );

    /// @notice A round is final.
    /// @param round The number of the round.
    /// @param aggregator The account that proposed the global.
    /// @param root The root of the global's tree.
    /// @param at When the round became final, which may be before this block.
    /// @param aggregatorReward What the aggregator is owed.
    /// @param clientRewards What the clients are owed together.
    /// @param returnedToPool What is left of the reward.
    event RoundFinalized(
        uint256 indexed round,
        address indexed aggregator,
        bytes32 root,
        uint64 at,
        uint256 aggregatorReward,
        uint256 clientRewards,
        uint256 returnedToPool
    );

    /// @notice A round has ended without a global.
    /// @param round The number of the round.
    /// @param reason Why it is void.
    /// @param at When it became void, which may be before this block.
    /// @param returnedToPool The whole reward.
    event RoundVoided(uint256 indexed round, VoidReason reason, uint64 at, uint256 returnedToPool);

    /// @notice A client was credited its share of a round's reward.
    /// @param round The number of the round.
    /// @param client The account of the client.
    /// @param amount Its share.
    event Rewarded(uint256 indexed round, address indexed client, uint256 amount);

    /// @notice A penalty was taken from a client's stake, and burned.
    /// @param round The number of the round.
    /// @param client The account of the client.
    /// @param amount The penalty.
    /// @param reason What the client was penalized for.
    event Penalized(uint256 indexed round, address indexed client, uint256 amount, PenaltyReason reason);

    /// @notice A bond was credited to its proposer.
    /// @param round The number of the round.
    /// @param proposer The account that had proposed.
    /// @param amount The bond.
    event BondReturned(uint256 indexed round, address indexed proposer, uint256 amount);

    // ----------------------------------------------------------------- errors

    /// @notice A value of the configuration is out of its bounds.
    /// @param field The name of the value.
    error BadConfig(string field);

    /// @notice The call belongs to another phase of the round.
    /// @param round The number of the round.
    /// @param expected The phase that the call belongs to.
    /// @param actual The phase that the round is in.
    error WrongPhase(uint256 round, Phase expected, Phase actual);

    /// @notice The account may not commit in the round: it has no seat, is suspended, or joined later.
    /// @param account The caller.
    /// @param round The number of the round.
    error NotActive(address account, uint256 round);

    /// @notice The account has a seat already.
    /// @param account The caller.
    error AlreadySeated(address account);

    /// @notice The account has no seat.
    /// @param account The account that was to have one.
    error NotSeated(address account);

    /// @notice The account left before, and its old stake is still here.
    /// @param account The caller.
    error WithdrawFirst(address account);

    /// @notice The stake is lower than `minStake`.
    /// @param stake The stake that was offered.
    /// @param needed The least stake.
    error StakeTooLow(uint256 stake, uint256 needed);

    /// @notice All seats are taken.
    /// @param maxClients The number of seats.
    error FederationFull(uint256 maxClients);

    /// @notice The gate does not admit the account, or did not answer.
    /// @param account The caller.
    error NotAllowed(address account);

    /// @notice The call has too little gas to ask the gate.
    error TooLittleGas();

    /// @notice This is what `inspect` answers: it always reverts.
    /// @param answered Whether the lens returned; false if it reverted.
    /// @param answer What it returned, or what it reverted with.
    error Inspected(bool answered, bytes answer);

    /// @notice The sponsor has stopped further openings.
    error FederationClosed();

    /// @notice All rounds of the federation are final or under way.
    error FederationComplete();

    /// @notice Too few clients are active to open a round.
    /// @param active The number of active clients.
    /// @param needed The number that a round needs.
    error TooFewActive(uint256 active, uint256 needed);

    /// @notice The pool cannot pay for another round.
    /// @param pool What is in it.
    /// @param needed The reward of a round.
    error PoolTooLow(uint256 pool, uint256 needed);

    /// @notice The round before is still taking commits, reveals or attestations.
    /// @param round The number of the round that was to be opened.
    error RoundNotOpenable(uint256 round);

    /// @notice The commit names another global than the round starts from.
    /// @param given The root that it names.
    /// @param expected The root of the round's prior.
    error WrongPrior(bytes32 given, bytes32 expected);

    /// @notice A commitment's hash is never zero.
    error ZeroHash();

    /// @notice The account has not committed in the round.
    /// @param account The caller.
    /// @param round The number of the round.
    error NoCommit(address account, uint256 round);

    /// @notice What is revealed is not what the account committed to.
    /// @param given The hash of what is revealed.
    /// @param committed The hash that it committed to.
    error CommitMismatch(bytes32 given, bytes32 committed);

    /// @notice In a masked federation, the update counts more examples than one may, or than the stake carries.
    /// @param examples The number of examples that the caller gave.
    /// @param most The largest number that it may give.
    error TooManyExamples(uint32 examples, uint256 most);

    /// @notice Only a masked federation's round can be void for its sum.
    error NotMasked();

    /// @notice In a masked federation the others must see that the account itself signed its key: it commits in a
    /// transaction of its own, not through a contract, and has no code.
    /// @param account The caller.
    error UnsignedCommit(address account);

    /// @notice The account has revealed in the round already.
    /// @param account The caller.
    /// @param round The number of the round.
    error AlreadyRevealed(address account, uint256 round);

    /// @notice The shift of the update is larger than `maxShift`.
    /// @param shift The shift that was given.
    error ShiftTooLarge(uint256 shift);

    /// @notice The update would count for no example.
    error ZeroWeight();

    /// @notice The root of an update or of a prior is never zero.
    error ZeroRoot();

    /// @notice The account has not revealed in the round, and only those who did may attest.
    /// @param account The caller.
    /// @param round The number of the round.
    error NotRevealed(address account, uint256 round);

    /// @notice The account has attested in the round already.
    /// @param account The caller.
    /// @param round The number of the round.
    error AlreadyAttested(address account, uint256 round);

    /// @notice The call was made for other reveals than those of the round, for example before a re-org.
    /// @param given The hash over the reveals that the caller named.
    /// @param expected The round's.
    error WrongInputs(bytes32 given, bytes32 expected);

    /// @notice The votes name an update that was not revealed.
    /// @param bitmap The votes.
    /// @param updates The number of revealed updates.
    error BitmapOutOfRange(uint256 bitmap, uint256 updates);

    /// @notice The proposal was made from other accepted updates than those of the round.
    /// @param given The mask that the caller named.
    /// @param expected The round's.
    error WrongAccepted(uint256 given, uint256 expected);

    /// @notice The account has completed a proposal in the round already.
    /// @param proposer The caller.
    /// @param round The number of the round.
    error AlreadyProposed(address proposer, uint256 round);

    /// @notice The page is neither the first one nor the next one.
    /// @param page The number of the page.
    /// @param expected The number of the next page.
    error WrongPage(uint256 page, uint256 expected);

    /// @notice The page has too many or too few digests.
    /// @param length The number of digests in it.
    /// @param expected The number that it must have.
    error WrongPageLength(uint256 length, uint256 expected);

    /// @notice Somebody has proposed this root in the round before.
    /// @param root The root of the proposal.
    error DuplicateRoot(bytes32 root);

    /// @notice The round has no live proposal with this root.
    /// @param round The number of the round.
    /// @param root The root that was named.
    error NoSuchProposal(uint256 round, bytes32 root);

    /// @notice Only the Disputes contract of the configuration may convict.
    /// @param caller The account that called.
    error NotDisputes(address caller);

    /// @notice Only the sponsor may close the federation.
    /// @param caller The account that called.
    error NotSponsor(address caller);

    /// @notice The round has a live proposal, or had one not long enough ago, or is not in Aggregate.
    /// @param round The number of the round.
    error NotAbandoned(uint256 round);

    /// @notice The client may keep its seat: the gate does not refuse it, and it has not been silent long enough.
    /// @param client The account of the client.
    error NotDroppable(address client);

    /// @notice A round in which the account committed is not settled yet.
    /// @param account The caller.
    /// @param round The number of the round.
    error StillPending(address account, uint256 round);

    /// @notice The account has not left, so its stake stays.
    /// @param account The caller.
    error NotExited(address account);

    /// @notice Nothing is owed to the account.
    /// @param account The caller.
    error NothingOwed(address account);

    /// @notice The amount is zero.
    error ZeroAmount();

    /// @notice The token has moved another amount than it was told to, for example because it takes a fee.
    /// @param received What came in, or went out.
    /// @param expected What was to be moved.
    error TransferMismatch(uint256 received, uint256 expected);
}
