// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "./IFederationTypes.sol";

/// @title What can be read of a federation, beside what IFederationCoordinator answers itself.
/// @notice The coordinator answers these through `inspect`, with contracts/lens/FederationLens.sol as the lens: they
/// cost it no bytecode, and new questions need no new coordinator.
/// @dev Rounds, `finalCount` and `latestFinal` are as of the block's timestamp; seats and money as last settled.
interface IFederationViews is IFederationTypes {
    /// @notice Gives the coordinator's accounts.
    /// @return The sums of token units by what they are for.
    function balances() external view returns (Balances memory);

    /// @notice Gives the seat of an account.
    /// @param account Any account.
    /// @return The seat; all zero if the account never joined, or has withdrawn its stake.
    function seat(address account) external view returns (Seat memory);

    /// @notice Says what an account can claim.
    /// @param account Any account.
    /// @return The number of token units that are credited to it already.
    function owed(address account) external view returns (uint256);

    /// @notice Says what bond will be credited to an account when it is settled next.
    /// @param proposer Any account.
    /// @return The number of token units.
    function bondDue(address proposer) external view returns (uint256);

    /// @notice Lists the accounts that are seated now.
    /// @return Their addresses, in no certain order.
    function clients() external view returns (address[] memory);

    /// @notice Says how many clients would be active in the next round.
    /// @return The number of clients.
    function activeCount() external view returns (uint16);

    /// @notice Lists the seated clients that the next round would wait for although they have not committed in the round
    /// that was opened last, as far as anybody can end that. It means something once Train of that round is over.
    /// @return droppable Those whose seat `drop` frees for their silence.
    /// @return indebted Of the others those whom `settle` suspends, because penalties that are due leave them less than
    /// `minStake`.
    function silent() external view returns (address[] memory droppable, address[] memory indebted);

    /// @notice Says which round was opened last.
    /// @return The number of the round; 0 if none was opened.
    function lastOpened() external view returns (uint32);

    /// @notice Says how many rounds are final.
    /// @return The number of final rounds.
    function finalCount() external view returns (uint32);

    /// @notice Gives the newest final global.
    /// @return round The number of its round; 0 for the genesis adapter.
    /// @return root The root of the global's tree.
    function latestFinal() external view returns (uint32 round, bytes32 root);

    /// @notice Says whether the sponsor has stopped further openings.
    /// @return True after a call of `close`.
    function isClosed() external view returns (bool);

    /// @notice Gives the state of a round.
    /// @param round The number of the round.
    /// @return The state; its phase is None if the round was never opened.
    function roundView(uint256 round) external view returns (RoundView memory);

    /// @notice Gives what a client committed to in a round.
    /// @param round The number of the round.
    /// @param client Any account.
    /// @return The commitment; all zero if there is none.
    function commitment(uint256 round, address client) external view returns (Commitment memory);

    /// @notice Says which update of a round is a client's.
    /// @param round The number of the round.
    /// @param client Any account.
    /// @return index The place of its update in the order of reveals plus one; 0 if it did not reveal.
    function updateIndex(uint256 round, address client) external view returns (uint256 index);

    /// @notice Lists the revealed updates of a round.
    /// @param round The number of the round.
    /// @return The updates, in the order of reveals.
    function updates(uint256 round) external view returns (Update[] memory);

    /// @notice Lists the live proposals of a round.
    /// @param round The number of the round.
    /// @param limit The largest number of proposals to list.
    /// @return The proposals, the oldest first.
    function proposals(uint256 round, uint256 limit) external view returns (Proposal[] memory);

    /// @notice Gives one proposal of a round.
    /// @param round The number of the round.
    /// @param root The root of the proposal.
    /// @return The proposal; all zero unless it is live.
    function proposal(uint256 round, bytes32 root) external view returns (Proposal memory);

    /// @notice Says how far an account is with handing in a proposal.
    /// @param round The number of the round.
    /// @param proposer Any account.
    /// @return nextPage The number of pages of an unfinished proposal that are in already.
    function pagesOf(uint256 round, address proposer) external view returns (uint256 nextPage);

    /// @notice Says what bond a proposal would take from an account now.
    /// @param proposer Any account.
    /// @return The number of token units.
    function bondOf(address proposer) external view returns (uint256);
}
