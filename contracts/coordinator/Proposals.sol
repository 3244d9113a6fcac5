// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {UpdateTree} from "../libraries/UpdateTree.sol";
import {Ledger} from "./Ledger.sol";

/// @title Anyone's part of a round: propose the next global, convict a wrong one, give up.
abstract contract Proposals is Ledger {
    uint256 private constant MAX_LIVE = 8;
    uint256 private constant MAX_BOND_SHIFT = 6;

    function propose(uint256 round, uint256 page, bytes32[] calldata digests) external nonReentrant settled {
        Phase phase = _status(round).phase;
        if (phase != Phase.Aggregate && phase != Phase.Challenge) revert WrongPhase(round, Phase.Aggregate, phase);
        Draft storage draft = _rounds[round].drafts[msg.sender];
        if (draft.complete) revert AlreadyProposed(msg.sender, round);
        if (page != 0 && page != draft.nextPage) revert WrongPage(page, draft.nextPage);

        uint256 left = _globalLeaves - page * UpdateTree.PAGE_LEAVES;
        bool isLast = left <= UpdateTree.PAGE_LEAVES;
        uint256 expected = isLast ? left : UpdateTree.PAGE_LEAVES;
        if (digests.length != expected) revert WrongPageLength(digests.length, expected);
        bytes32 pageRoot = UpdateTree.pageRoot(digests);
        emit ProposalPaged(round, msg.sender, page, pageRoot);
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
        Proposal memory p = _remove(round, r, root);
        ++r.convicted;
        r.convictedAt = _now();
        uint256 bounty = p.bond / 2;
        _balances.bonds -= p.bond;
        _balances.burned += p.bond - bounty;
        _credit(challenger, bounty);
        emit Convicted(round, p.proposer, challenger, root, bounty);
    }

    function abandon(uint256 round) external nonReentrant settled {
        Status memory s = _status(round);
        if (s.phase != Phase.Aggregate || _now() < s.start + _config.abandonAfter) revert NotAbandoned(round);
        _void(round, VoidReason.Abandoned, _now());
    }

    function bondOf(uint256 round) public view returns (uint256) {
        Round storage r = _rounds[round];
        uint256 shift = r.live.length + r.convicted;
        return _config.bondBase << (shift < MAX_BOND_SHIFT ? shift : MAX_BOND_SHIFT);
    }

    /// @dev The last page is in: the proposal's window opens and its bond is taken.
    function _complete(uint256 round, Draft storage draft, uint256 lastPage, bytes32 lastRoot) private {
        bytes32[] memory pageRoots = new bytes32[](lastPage + 1);
        for (uint256 i = 0; i < lastPage; ++i) pageRoots[i] = draft.pageRoots[i];
        pageRoots[lastPage] = lastRoot;
        bytes32 root = UpdateTree.rootOfPages(pageRoots, _globalLeaves);

        Round storage r = _rounds[round];
        if (r.proposed[root]) revert DuplicateRoot(root);
        if (r.live.length >= MAX_LIVE) revert TooManyProposals();
        uint256 bond = bondOf(round);
        draft.complete = true;
        draft.nextPage = 0;
        r.proposed[root] = true;
        r.live.push(Proposal(msg.sender, root, bond, _now()));
        _balances.bonds += bond;
        emit Proposed(round, msg.sender, root, bond, _now() + _config.challengeLength);
        _pull(bond);
    }

    /// @dev Takes the live proposal with this root out, the others stay in order.
    function _remove(uint256 round, Round storage r, bytes32 root) private returns (Proposal memory p) {
        uint256 count = r.live.length;
        uint256 i = 0;
        while (i < count && r.live[i].root != root) ++i;
        if (i == count) revert NoSuchProposal(round, root);
        p = r.live[i];
        for (; i + 1 < count; ++i) r.live[i] = r.live[i + 1];
        r.live.pop();
    }
}
