// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "./IFederationTypes.sol";

/// @title One federation: seats, rounds, proposals, money.
/// @notice `docs/protocol.md` is the specification in words, `fedprotocol.round` the same machine in Python.
/// @dev Rounds are numbered from 1; "round 0" is the genesis adapter. Phases are views of time and storage: every
/// state-changing call first settles what time has decided, so nobody has to tick.
interface IFederationCoordinator is IFederationTypes {
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

    /// @notice Anyone: free the seat of a client that the gate no longer admits, or that had it when the last but one final
    /// round opened and has committed neither in that round nor in any since.
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
    /// @param inputsHash The round's, and `acceptedMask` its accepted updates: what the global follows from, so that a
    /// re-org cannot make a wrong proposal of a right one.
    function propose(
        uint256 round,
        bytes32 inputsHash,
        uint256 acceptedMask,
        uint256 page,
        bytes32[] calldata digests
    ) external;

    /// @notice Disputes only: void the live proposal with this root; half its bond goes to `challenger`, half is burned.
    function convict(uint256 round, bytes32 root, address challenger) external;

    /// @notice Anyone: void a round that had no live proposal for `abandonAfter`.
    function abandon(uint256 round) external;

    // ------------------------------------------------------------------- views
    // What another contract needs. All else is read through `inspect`: contracts/lens/FederationLens.sol has the questions.

    function config() external view returns (Config memory);
    function update(uint256 round, uint256 index) external view returns (Update memory);

    /// @notice What a round's global follows from, as of the block's timestamp. The mask is zero before Attest is over, the
    /// prior root before the round before is settled, the hash before the first reveal.
    function inputs(uint256 round)
        external
        view
        returns (bytes32 inputsHash, uint256 acceptedMask, bytes32 priorRoot);

    /// @notice Answer a question of any kind: run `lens` on this contract's storage, and revert with what it returned. Nothing
    /// that it does stays, since this call always reverts.
    /// @dev As Safe's `StorageAccessible.simulateAndRevert`. Reverts with `Inspected`, whatever comes of it.
    function inspect(address lens, bytes calldata question) external;
}
