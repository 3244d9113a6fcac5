// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {UpdateTree} from "../libraries/UpdateTree.sol";
import {IFederationCoordinator} from "../../interfaces/IFederationCoordinator.sol";
import {Ledger} from "./Ledger.sol";

/// @title Anyone's part of a round: propose the next global, convict a wrong one, give up.
abstract contract Proposals is Ledger, IFederationCoordinator {
    /// @dev `minWindow` holds the longest case this many times (`brownie run deploy` sees to it): each proposal's window is
    /// longer by one case for each that came before it, so that one verifier can convict any number one after the other.
    uint256 private constant CASES_PER_WINDOW = 10;

    function propose(
        uint256 round,
        bytes32 inputsHash,
        uint256 acceptedMask,
        uint256 page,
        bytes32[] calldata digests
    ) external nonReentrant settled {
        _requireInputs(round, inputsHash, acceptedMask);
        Draft storage draft = _rounds[round].drafts[msg.sender];
        if (draft.id != 0) revert AlreadyProposed(msg.sender, round);
        if (page != 0 && page != draft.nextPage) revert WrongPage(page, draft.nextPage);

        uint256 left = _globalLeaves - page * UpdateTree.PAGE_LEAVES;
        bool isLast = left <= UpdateTree.PAGE_LEAVES;
        uint256 expected = isLast ? left : UpdateTree.PAGE_LEAVES;
        if (digests.length != expected) revert WrongPageLength(digests.length, expected);
        bytes32 pageRoot = UpdateTree.pageRoot(digests);
        emit ProposalPaged(round, msg.sender, page, pageRoot, digests);
        if (isLast) {
            _complete(round, draft, page, pageRoot);
        } else {
            draft.pageRoots[page] = pageRoot;
            draft.nextPage = uint32(page + 1);
        }
    }

    function convict(uint256 round, bytes32 root, address challenger) external nonReentrant settled {
        if (msg.sender != _config.disputes) revert NotDisputes(msg.sender);
        _requirePhase(round, Phase.Challenge);
        Round storage r = _rounds[round];
        uint256 id = r.idOf[root];
        Listed memory p = r.listed[id];
        if (p.proposer == address(0)) revert NoSuchProposal(round, root);
        _remove(r, id, p);
        r.convictedAt = _now();
        ++_convictions[p.proposer];
        uint256 bounty = p.bond / 2;
        _balances.bonds -= p.bond;
        _balances.burned += p.bond - bounty;
        _credit(challenger, bounty);
        emit Convicted(round, p.proposer, challenger, root, bounty);
    }

    function impeach(uint256 round) external nonReentrant settled {
        if (msg.sender != _config.disputes) revert NotDisputes(msg.sender);
        if (!_isMasked()) revert NotMasked();
        _requireOpen(round);
        _void(round, VoidReason.Garbage, _now());
    }

    function abandon(uint256 round) external nonReentrant settled {
        Status memory s = _status(round);
        if (s.phase != Phase.Aggregate || _now() < s.start + _config.abandonAfter) revert NotAbandoned(round);
        _void(round, VoidReason.Abandoned, _now());
    }

    /// @dev The round takes proposals, and from these inputs.
    function _requireInputs(uint256 round, bytes32 inputsHash, uint256 acceptedMask) private view {
        Status memory s = _requireOpen(round);
        bytes32 expected = _rounds[round].inputsHash;
        if (inputsHash != expected) revert WrongInputs(inputsHash, expected);
        if (acceptedMask != s.acceptedMask) revert WrongAccepted(acceptedMask, s.acceptedMask);
    }

    /// @dev The round's inputs are fixed, and it is not over.
    function _requireOpen(uint256 round) private view returns (Status memory s) {
        s = _status(round);
        if (s.phase != Phase.Aggregate && s.phase != Phase.Challenge) {
            revert WrongPhase(round, Phase.Aggregate, s.phase);
        }
    }

    /// @dev The last page is in: the proposal's window opens and its bond is taken.
    function _complete(uint256 round, Draft storage draft, uint256 lastPage, bytes32 lastRoot) private {
        bytes32[] memory pageRoots = new bytes32[](lastPage + 1);
        for (uint256 i = 0; i < lastPage; ++i) pageRoots[i] = draft.pageRoots[i];
        pageRoots[lastPage] = lastRoot;
        bytes32 root = UpdateTree.rootOfPages(pageRoots, _globalLeaves);

        Round storage r = _rounds[round];
        if (r.idOf[root] != 0) revert DuplicateRoot(root);
        uint256 bond = _bondOf(msg.sender);
        uint256 windowEnd =
            _now() + _config.challengeLength + uint256(r.proposed) * _config.minWindow / CASES_PER_WINDOW;
        uint32 id = ++r.proposed;
        r.idOf[root] = id;
        draft.id = id;
        draft.nextPage = 0;
        _bondRound[msg.sender] = uint32(round);
        _append(r, id, Listed(msg.sender, _now(), r.youngest, root, uint160(bond), uint64(windowEnd), 0));
        _balances.bonds += bond;
        emit Proposed(round, msg.sender, root, bond, uint64(windowEnd));
        _pull(bond);
    }

    function _append(Round storage r, uint32 id, Listed memory p) private {
        if (p.older == 0) r.oldest = id;
        else r.listed[p.older].younger = id;
        r.youngest = id;
        r.listed[id] = p;
        ++r.live;
    }

    function _remove(Round storage r, uint256 id, Listed memory p) private {
        if (p.older == 0) r.oldest = p.younger;
        else r.listed[p.older].younger = p.younger;
        if (p.younger == 0) r.youngest = p.older;
        else r.listed[p.younger].older = p.older;
        delete r.listed[id];
        --r.live;
    }
}
