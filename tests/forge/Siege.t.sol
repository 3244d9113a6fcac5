// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../interfaces/IFederationTypes.sol";
import {HiddenLiar, Verifier} from "./support/Verifier.sol";
import {Random} from "./support/Random.sol";
import {vm} from "./support/Vm.sol";

/// @title Lies by the dozen against one honest verifier that has standard RPC only: no wrong global is ever final.
/// @dev All clients are the liars' own: they commit to what helps a lie most.
contract SiegeTest is Verifier {
    uint256 private constant MOST = 40; // lies in a fuzzed siege
    uint256 private constant PROPOSERS = 1_000; // numbers of accounts
    uint256 private constant SALTS = 10_000;

    address[] private _liars;
    bool private _isRight;

    /// forge-config: default.fuzz.runs = 8
    /// forge-config: ci.fuzz.runs = 24
    function testFuzz_no_wrong_global_is_ever_final(uint256 seed) public {
        Played memory p = _besieged(seed);
        for (uint256 i = 0; i < 40; ++i) {
            uint256 s = Random.next(seed, i);
            uint256 kind = s % 8;
            if (kind < 2) _lies(p, Random.between(s >> 8, 1, 16));
            if (kind == 2) _lies(p, 1);
            if (kind == 3 || kind == 4) _agree(p, s >> 8);
            if (kind == 5 && (s >> 8) % 4 == 0) _proposeRight(p);
            if (kind == 6) _help(p, s >> 8);
            _pass(p, [uint256(0), 1, 1, 2, 3, 7][(s >> 128) % 6]);
        }
        _endsWell(p);
    }

    /// @dev Thirty lies in one second, and all commits of the next round name one of them: none is final before the
    /// verifier has come to it, however far back it stands.
    function test_no_commits_shield_a_lie_behind_a_queue() public {
        Played memory p = _besieged(7);
        _lies(p, 30);
        uint256 state = vm.snapshotState();
        for (uint256 k = 0; k < 30; k += k < 9 ? 9 : 4) {
            vm.revertToState(state);
            bytes32 root = views.proposals(1, ALL)[k].root;
            for (uint256 i = 0; i < p.clients.length; ++i) {
                _do(p.clients[i], abi.encodeCall(coordinator.commit, (2, root, keccak256("any"))));
            }
            _pass(p, 2 * 30);
            vm.assertEq(views.roundView(1).convicted, 30, "convicted");
        }
        _endsWell(p);
    }

    /// @dev The right one in the middle of the lies, its proposer's first: room for it, at the price of one bond.
    function test_the_right_one_between_lies() public {
        Played memory p = _besieged(8);
        _lies(p, 25);
        _proposeRight(p);
        _lies(p, 25);
        _endsWell(p);
        vm.assertGe(views.roundView(1).convicted, 25, "those before it");
    }

    function _besieged(uint256 seed) private returns (Played memory p) {
        IFederationTypes.Config memory c = _config();
        c.maxClients = uint16(Random.between(seed >> 8, 2, 3));
        p = _play(seed, c, 0);
        _enrich(SPONSOR, p.config.roundReward);
        _do(SPONSOR, abi.encodeCall(coordinator.fund, (p.config.roundReward)));
    }

    /// @dev Wrong proposals in one second, by new accounts, every third of them a contract that shows nothing.
    function _lies(Played memory p, uint256 count) private {
        for (uint256 i = 0; i < count && _liars.length < MOST + 10; ++i) {
            if (!_isOpen()) return;
            uint256 salt = SALTS + _liars.length;
            address liar = _account(PROPOSERS + salt);
            vm.recordLogs();
            if (salt % 3 == 0) {
                liar = address(new HiddenLiar());
                token.mint(liar, p.config.bondBase);
                bytes memory call =
                    abi.encodeCall(HiddenLiar.lie, (coordinator, token, 1, p.right.digests.length, salt));
                _must(_account(1), liar, call);
            } else {
                _propose(liar, _spoiled(p.right, salt % p.right.leaves.length, salt / 3).digests);
            }
            _listen(address(coordinator), vm.getRecordedLogs());
            _liars.push(liar);
        }
    }

    /// @dev Clients with two thirds of the weight or more name one live proposal, often the oldest, and may again.
    function _agree(Played memory p, uint256 seed) private {
        IFederationTypes.Proposal[] memory live = views.proposals(1, ALL);
        if (live.length == 0 || !_isOpen()) return;
        uint256 at = [0, 0, 1, live.length - 1, (seed >> 8) % live.length][seed % 5];
        bytes memory call =
            abi.encodeCall(coordinator.commit, (2, live[at % live.length].root, keccak256(abi.encode(seed))));
        for (uint256 i = (seed >> 32) % 3 == 0 ? 1 : 0; i < p.clients.length; ++i) {
            _send(p.clients[i], address(coordinator), call); // refused once Train is over
        }
    }

    function _proposeRight(Played memory p) private {
        if (_isRight || !_isOpen()) return;
        _isRight = true;
        vm.assertEq(views.bondOf(VERIFIER), p.config.bondBase, "the price of being right");
        uint256 before = token.balanceOf(address(coordinator));
        _propose(VERIFIER, p.right.digests);
        vm.assertEq(token.balanceOf(address(coordinator)), before + p.config.bondBase, "what was paid");
    }

    /// @dev Somebody else convicts any of them.
    function _help(Played memory p, uint256 seed) private {
        IFederationTypes.Proposal[] memory live = views.proposals(1, ALL);
        if (live.length == 0 || !_isOpen()) return;
        bytes32 root = live[seed % live.length].root;
        if (root != p.right.root) _convict(p, _account(3), root);
    }

    function _isOpen() private view returns (bool) {
        IFederationTypes.Phase phase = views.roundView(1).phase;
        return phase == IFederationTypes.Phase.Aggregate || phase == IFederationTypes.Phase.Challenge;
    }

    /// @dev The right one is final within the time that the protocol names, and everybody can take what is theirs.
    function _endsWell(Played memory p) private {
        _proposeRight(p);
        uint256 latest = p.config.challengeLength + (MOST + 10) * p.config.minWindow / 10;
        for (uint256 i = 0; i <= latest && _isOpen(); ++i) {
            _pass(p, 1);
        }
        vm.assertEq(views.roundView(1).globalRoot, p.right.root, "the final global");
        for (uint256 i = 0; i < _liars.length; ++i) {
            _do(SPONSOR, abi.encodeCall(coordinator.settle, (_liars[i])));
            vm.assertGe(p.config.bondBase, views.owed(_liars[i]), "a liar's bond");
        }
        _do(VERIFIER, abi.encodeCall(coordinator.claim, ()));
        vm.assertEq(views.balances().bonds, 0, "bonds");
    }
}
