// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "./IFederationTypes.sol";

/// @title One federation: seats, rounds, proposals, money.
/// @notice `docs/protocol.md` is the specification in words, `fedprotocol.reference` the same machine in Python.
/// @dev Rounds are numbered from 1; "round 0" is the genesis adapter. Phases are views of time and storage: every
/// state-changing call first settles what time has decided, so nobody has to tick.
interface IFederationCoordinator is IFederationTypes {
    // ------------------------------------------------------------ seats, money

    /// @notice Adds tokens of the caller to the pool that rewards are paid from. Anybody may do so.
    /// @param amount The number of token units; the caller must have approved them to the coordinator.
    function fund(uint256 amount) external;

    /// @notice Stops all further openings of rounds; what is free in the pool becomes owed to the sponsor. Only the
    /// sponsor may call this, also again later.
    function close() external;

    /// @notice Takes a seat for the caller, from the next unopened round on.
    /// @param stake The stake to lock, in token units; the caller must have approved them to the coordinator.
    function join(uint256 stake) external;

    /// @notice Adds to the caller's stake. This lifts a suspension once the stake is at least `minStake` again: from
    /// the next unopened round on, or without a break if no round was missed.
    /// @param amount The number of token units to add; the caller must have approved them to the coordinator.
    function addStake(uint256 amount) external;

    /// @notice Gives up the caller's seat from the next unopened round on.
    function exit() external;

    /// @notice Frees the seat of a client that the gate no longer admits, or that was seated when the last but one
    /// final round opened and has committed neither in that round nor in any since. Anybody may call this.
    /// @param client The account whose seat is to be freed.
    function drop(address client) external;

    /// @notice Pays the caller's stake back after `exit` or `drop`. It reverts while a round in which the caller
    /// committed is unsettled.
    function withdraw() external;

    /// @notice Pays out what is owed to the caller: rewards, returned bonds and bounties.
    function claim() external;

    /// @notice Settles what time has decided, and applies the consequences to an account. Anybody may call this.
    /// @param account The account whose rewards, penalties and bond are to be booked.
    function settle(address account) external;

    // ------------------------------------------------------------------ rounds

    /// @notice Opens the next round, if it may be opened.
    function open() external;

    /// @notice Commits the caller to an update. This opens the round if it is the next one. Until the end of Train a
    /// later call replaces the commitment. In a masked federation it is the caller's own transaction that calls this.
    /// @param round The number of the round.
    /// @param priorRoot The root of the global that the update was trained on.
    /// @param hash The hash of the update and a secret, as `reveal` computes it; in a masked federation the caller's
    /// public key of this round (X25519), with which the others make their masks.
    function commit(uint256 round, bytes32 priorRoot, bytes32 hash) external;

    /// @notice Opens the caller's commitment. Its hash is keccak256(abi.encode(uint256 chainid, address this, uint256
    /// round, address sender, bytes32 priorRoot, bytes32 root, uint8 shift, uint32 examples, bytes32 salt)). In a masked
    /// federation there is nothing to open: the update is made after the commitments, and its root is given here first.
    /// @param round The number of the round.
    /// @param root The root of the update's tree.
    /// @param shift The shift of the update: its values are mantissas times 2^shift units.
    /// @param examples The number of examples that the update was trained on.
    /// @param salt The secret that was hashed with the update.
    /// @param lossBefore The loss at the first step of training in units of 1e-6, as the client says; nothing depends
    /// on it.
    /// @param lossAfter The loss at its last step in units of 1e-6, as the client says; nothing depends on it.
    function reveal(
        uint256 round,
        bytes32 root,
        uint8 shift,
        uint32 examples,
        bytes32 salt,
        uint64 lossBefore,
        uint64 lossAfter
    ) external;

    /// @notice Says which updates the caller has fetched, checked and pinned.
    /// @param round The number of the round.
    /// @param inputsHash The hash over the round's reveals, as the caller read it.
    /// @param bitmap The votes: bit i is set if the caller vouches for update i.
    function attest(uint256 round, bytes32 inputsHash, uint256 bitmap) external;

    /// @notice Hands in one page of a proposed global's leaf digests. Page 0 starts over. The last page takes the bond
    /// and opens the proposal's window.
    /// @param round The number of the round.
    /// @param inputsHash The hash over the round's reveals. Naming it and the mask keeps a right proposal from becoming
    /// a wrong one in a re-org.
    /// @param acceptedMask The accepted updates that the global was computed from, bit i for update i.
    /// @param page The number of the page, from 0.
    /// @param digests The digests of the page: exactly 2,048, and fewer only in the last page.
    function propose(
        uint256 round,
        bytes32 inputsHash,
        uint256 acceptedMask,
        uint256 page,
        bytes32[] calldata digests
    ) external;

    /// @notice Removes a live proposal; half of its bond goes to the challenger, half is burned. Only the Disputes
    /// contract of the configuration may call this.
    /// @param round The number of the round.
    /// @param root The root of the proposal.
    /// @param challenger The account that is owed the bounty.
    function convict(uint256 round, bytes32 root, address challenger) external;

    /// @notice Makes a round of a masked federation void, because the sum of its updates is none of honest ones. Nobody
    /// is paid and nobody pays; bonds go back. Only the Disputes contract of the configuration may call this.
    /// @param round The number of the round.
    function impeach(uint256 round) external;

    /// @notice Makes a round void that has had no live proposal for `abandonAfter`. Anybody may call this.
    /// @param round The number of the round.
    function abandon(uint256 round) external;

    // ------------------------------------------------------------------- views
    // What another contract needs. All else is read through `inspect`: contracts/lens/FederationLens.sol has the
    // questions.

    /// @notice Gives what is fixed for the federation's life.
    /// @return The configuration.
    function config() external view returns (Config memory);

    /// @notice Gives one revealed update.
    /// @param round The number of the round.
    /// @param index The place of the update in the order of reveals, from 0.
    /// @return The update.
    function update(uint256 round, uint256 index) external view returns (Update memory);

    /// @notice Gives what a round's global follows from, as of the block's timestamp.
    /// @param round The number of the round.
    /// @return inputsHash The hash over the reveals; zero before the first reveal.
    /// @return acceptedMask The accepted updates, bit i for update i; zero before Attest is over.
    /// @return priorRoot The root of the global before; zero before the round before is settled.
    function inputs(uint256 round)
        external
        view
        returns (bytes32 inputsHash, uint256 acceptedMask, bytes32 priorRoot);

    /// @notice Answers a question of any kind: it runs the code of `lens` on this contract's storage, and reverts with
    /// what that returned. Nothing that the lens does stays, since this call always reverts.
    /// @dev As Safe's `StorageAccessible.simulateAndRevert`. Reverts with `Inspected`, whatever comes of it.
    /// @param lens The contract whose code answers.
    /// @param question The calldata with which the lens is called.
    function inspect(address lens, bytes calldata question) external;
}
