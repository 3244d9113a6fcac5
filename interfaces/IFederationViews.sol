// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "./IFederationTypes.sol";

/// @title What can be read of a federation, beside what IFederationCoordinator answers itself.
/// @notice The coordinator answers these through `inspect`, with contracts/lens/FederationLens.sol as the lens: they cost it
/// no bytecode, and new questions need no new coordinator.
/// @dev Rounds, `finalCount` and `latestFinal` are as of the block's timestamp; seats and money as last settled.
interface IFederationViews is IFederationTypes {
    function balances() external view returns (Balances memory);
    function seat(address account) external view returns (Seat memory);
    function owed(address account) external view returns (uint256); // already credited
    function bondDue(address proposer) external view returns (uint256); // credited when its account is settled next
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
    function proposals(uint256 round, uint256 limit) external view returns (Proposal[] memory); // live, oldest first
    function proposal(uint256 round, bytes32 root) external view returns (Proposal memory); // empty unless it is live
    /// @return nextPage Pages of an unfinished proposal already in.
    function pagesOf(uint256 round, address proposer) external view returns (uint256 nextPage);
    function bondOf(address proposer) external view returns (uint256); // what a proposal would cost it
}
