// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationCoordinator} from "./IFederationCoordinator.sol";

/// @title Convicts wrong proposals of any coordinator that names this contract.
/// @notice `docs/protocol.md` ("The proof") says what is proved and how a long case is carried over several calls.
interface IDisputes {
    /// @notice One leaf and its path to the root of the tree that it lies in: of a client's update, or of a global.
    /// @param leaf The bytes of the leaf.
    /// @param path The digests of its siblings, those of the leaf level first. Levels at which the node was promoted
    /// without a sibling are left out.
    struct Opening {
        bytes leaf;
        bytes32[] path;
    }

    /// @notice The rule's partial sums over the first accepted updates of a round, at one leaf.
    /// @param count The number of accepted updates in the sums. 0 is the beginning, with no weight and no values.
    /// @param weight The weight of these updates together, in examples.
    /// @param values The sums as the rule's `accumulate` returned them.
    struct Sums {
        uint256 count;
        uint64 weight;
        bytes values;
    }

    /// @notice The next accepted updates of a round, to be added to partial sums.
    /// @param round The number of the round.
    /// @param inputsHash The hash over the round's reveals, as it was when the step was made.
    /// @param leafIndex The place of the leaf in the trees of the updates.
    /// @param start The sums to start from: any that a call reached before, or the beginning.
    /// @param updates The leaf of each of the next accepted updates, from number `start.count` on, in the order of
    /// their indices; at least one.
    struct Step {
        uint256 round;
        bytes32 inputsHash;
        uint256 leafIndex;
        Sums start;
        Opening[] updates;
    }

    /// @notice A proof that one leaf of a proposal is wrong.
    /// @param round The number of the round.
    /// @param proposalRoot The root of the proposal.
    /// @param inputsHash The hash over the round's reveals, as it was when the proof was made.
    /// @param leafIndex The place of the leaf in the trees of the updates.
    /// @param part The part of the global's leaf that is wrong, as the rule counts them; 0 where a rule has weights
    /// alone.
    /// @param prior Every part of the leaf in the prior global, in order.
    /// @param claimedDigest The digest that the proposal has at this leaf and part.
    /// @param claimedPath The path from the claimed digest to the root of the proposal.
    /// @param start The sums to start from: any that a call reached before, or the beginning.
    /// @param updates The leaf of every accepted update that these sums do not hold, in the order of their indices.
    struct Proof {
        uint256 round;
        bytes32 proposalRoot;
        bytes32 inputsHash;
        uint256 leafIndex;
        uint256 part;
        Opening[] prior;
        bytes32 claimedDigest;
        bytes32[] claimedPath;
        Sums start;
        Opening[] updates;
    }

    /// @notice The partial sums over the first `count` accepted updates are known at a leaf from now on.
    /// @param coordinator The federation.
    /// @param round The number of the round.
    /// @param leafIndex The place of the leaf in the trees of the updates.
    /// @param count The number of accepted updates in the sums.
    event Carried(
        IFederationCoordinator indexed coordinator, uint256 indexed round, uint256 indexed leafIndex, uint256 count
    );

    /// @notice The proof or step was made for other reveals than those of the round, for example before a re-org.
    /// @param given The hash over the reveals that the caller named.
    /// @param expected The round's.
    error WrongInputs(bytes32 given, bytes32 expected);

    /// @notice The proof does not bring every accepted update that is still to be summed.
    /// @param given The number of updates in the proof.
    /// @param expected The number of accepted updates that the starting sums do not hold.
    error WrongCount(uint256 given, uint256 expected);

    /// @notice The step brings more updates than are still to be summed.
    /// @param given The number of updates in the step.
    /// @param left The number of accepted updates that the starting sums do not hold.
    error TooManyUpdates(uint256 given, uint256 left);

    /// @notice The step brings no update.
    error NothingToAdd();

    /// @notice The proof names a part that the rule does not have, or does not open every part of the prior leaf.
    /// @param part The part that the proof calls wrong.
    /// @param openings The number of parts of the prior leaf that the proof opens.
    /// @param expected The number of parts that the rule has.
    error WrongParts(uint256 part, uint256 openings, uint256 expected);

    /// @notice The sums to start from were never reached by a call with the round's inputs, or differ from what was
    /// reached.
    /// @param count The number of accepted updates in the sums that the caller named.
    error UnknownSums(uint256 count);

    /// @notice A leaf does not lie where the proof or step says.
    /// @param computed The root that follows from the leaf and its path.
    /// @param expected The root that the chain has.
    error WrongPath(bytes32 computed, bytes32 expected);

    /// @notice The leaf of the proposal is what the rule gives: there is nothing to convict.
    error LeafIsCorrect();

    /// @notice Every sum at the leaf is one that honest updates can have: there is nothing to impeach.
    error SumsAreInRange();

    /// @notice Convicts `proof.proposalRoot`; the bounty is credited to the caller. One call is enough if the whole
    /// proof fits into a transaction. Otherwise calls of `carry` go before it.
    /// @param coordinator The federation.
    /// @param proof The proof that one leaf of the proposal is wrong.
    function challenge(IFederationCoordinator coordinator, Proof calldata proof) external;

    /// @notice Makes a round of a masked federation void whose updates add up to what honest ones cannot: some value of
    /// the leaf's sums is further from zero than their total weight times the rule's bound.
    /// @param coordinator The federation.
    /// @param step All accepted updates that the starting sums do not hold.
    function impeach(IFederationCoordinator coordinator, Step calldata step) external;

    /// @notice Keeps the partial sums after `step.start.count + step.updates.length` accepted updates. Anybody may call
    /// this, in any order, as often as they like: sums that are kept are right, stay, and serve every proposal of the
    /// round.
    /// @param coordinator The federation.
    /// @param step The accepted updates to add, and the sums to add them to.
    function carry(IFederationCoordinator coordinator, Step calldata step) external;

    /// @notice Says which partial sums are known at a leaf of a round, as the round's inputs are now.
    /// @param coordinator The federation.
    /// @param round The number of the round.
    /// @param leafIndex The place of the leaf in the trees of the updates.
    /// @return digests Item n is keccak256(abi.encodePacked(weight, values)) of the sums after n accepted updates, or
    /// zero if no call reached them (item 0 always).
    function carried(IFederationCoordinator coordinator, uint256 round, uint256 leafIndex)
        external
        view
        returns (bytes32[] memory digests);
}
