// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IFederationCoordinator} from "../../interfaces/IFederationCoordinator.sol";
import {IFederationTypes} from "../../interfaces/IFederationTypes.sol";
import {Game} from "./support/Game.sol";
import {Random} from "./support/Random.sol";
import {vm} from "./support/Vm.sol";

/// @title A lens that does whatever code can do in another contract's name.
contract HostileLens {
    address private immutable _self = address(this);

    function write(uint256 slot, uint256 count) external {
        for (uint256 i = 0; i < count; ++i) {
            assembly ("memory-safe") {
                sstore(add(slot, i), not(sload(add(slot, i))))
                tstore(add(slot, i), 1)
            }
        }
    }

    function take(IERC20 token, address to) external {
        token.transfer(to, token.balanceOf(address(this)));
        token.approve(to, type(uint256).max);
    }

    function convict(uint256 round, bytes32 root, address to) external {
        uint256 slot = 0;
        address self = address(this);
        for (; slot < 64; ++slot) {
            // in the place of `disputes`, wherever it is
            assembly ("memory-safe") {
                sstore(slot, self)
            }
        }
        IFederationCoordinator(self).convict(round, root, to);
    }

    function call(address target, bytes calldata data) external returns (bytes memory answer) {
        (, answer) = target.call(data);
    }

    function again(uint256 depth, bytes calldata last) external returns (bytes memory answer) {
        bytes memory question = depth == 0 ? last : abi.encodeCall(this.again, (depth - 1, last));
        (, answer) = address(this).call(abi.encodeCall(IFederationCoordinator.inspect, (_self, question)));
    }

    function die(address payable heir) external {
        selfdestruct(heir);
    }

    function create() external returns (address) {
        return address(new Orphan());
    }

    function burn() external pure {
        while (true) {}
    }

    function flood(uint256 size) external pure {
        assembly {
            calldatacopy(0, calldatasize(), size) // zeros
            return(0, size)
        }
    }

    function fail(uint256 size) external pure {
        assembly {
            calldatacopy(0, calldatasize(), size)
            revert(0, size)
        }
    }

    function stop() external pure {
        assembly {
            stop()
        }
    }
}

contract Orphan {}

/// @title `inspect` answers, and leaves nothing behind.
contract InspectTest is Game {
    uint256 private constant SLOTS = 64; // from the beginning of storage
    address private constant THIEF = address(0x7E1F);

    HostileLens private _lens;
    bytes32 private _root;

    function _start() private {
        IFederationTypes.Config memory c = _config();
        c.maxClients = 2;
        Played memory p = _play(1, c, 0);
        _lens = new HostileLens();
        _root = _propose(_account(90), p.right.digests);
    }

    /// @dev Whatever the lens does, whoever asks, with whatever gas: the call reverts, and all is as it was.
    function testFuzz_inspect_changes_nothing(uint256 seed, uint256 gas, bytes calldata any) public {
        _start();
        bytes32 before = _world();
        for (uint256 kind = 0; kind < 16; ++kind) {
            bytes memory question = _question(kind, Random.next(seed, kind), any);
            bytes memory call = abi.encodeCall(coordinator.inspect, (address(_lens), question));
            vm.prank(THIEF, THIEF);
            (bool ok,) = address(coordinator).call{gas: Random.between(gas >> 8, 30_000, 3_000_000)}(call);
            vm.assertFalse(ok, "inspect came back");
            vm.assertEq(_world(), before, "something was changed");
        }
        _do(SPONSOR, abi.encodeCall(coordinator.settle, (SPONSOR))); // no lock was left either
    }

    /// @dev With gas enough, the answer is the lens's own, framed; of what is no contract, it is empty.
    function test_the_answer_is_the_lenss() public {
        _start();
        bytes memory question = abi.encodeCall(HostileLens.flood, (100));
        _answers(address(_lens), question, true, new bytes(100));
        _answers(address(_lens), abi.encodeCall(HostileLens.fail, (70)), false, new bytes(70));
        _answers(address(_lens), abi.encodeCall(HostileLens.stop, ()), true, "");
        _answers(address(0xDEAD), question, true, "");
        _answers(address(_lens), hex"12", false, "");
    }

    function _answers(address lens, bytes memory question, bool answered, bytes memory answer) private {
        vm.prank(THIEF, THIEF);
        (bool ok, bytes memory data) = address(coordinator).call(abi.encodeCall(coordinator.inspect, (lens, question)));
        vm.assertFalse(ok, "inspect came back");
        vm.assertEq(data, abi.encodeWithSelector(IFederationTypes.Inspected.selector, answered, answer), "the answer");
    }

    function _question(uint256 kind, uint256 seed, bytes calldata any) private view returns (bytes memory) {
        address self = address(coordinator);
        if (kind == 0) return abi.encodeCall(HostileLens.write, (0, SLOTS));
        if (kind == 1) return abi.encodeCall(HostileLens.write, (seed, 8));
        if (kind == 2) return abi.encodeCall(HostileLens.take, (token, THIEF));
        if (kind == 3) return abi.encodeCall(HostileLens.convict, (1, _root, THIEF));
        if (kind == 4) return abi.encodeCall(HostileLens.die, (payable(THIEF)));
        if (kind == 5) return abi.encodeCall(HostileLens.create, ());
        if (kind == 6) return abi.encodeCall(HostileLens.burn, ());
        if (kind == 7) return abi.encodeCall(HostileLens.flood, (seed % 200_000));
        if (kind == 8) return abi.encodeCall(HostileLens.fail, (seed % 200_000));
        if (kind == 9) return abi.encodeCall(HostileLens.stop, ());
        if (kind == 10) return any;
        bytes memory last = abi.encodeCall(HostileLens.take, (token, THIEF));
        if (kind == 11) return abi.encodeCall(HostileLens.again, (seed % 4, last));
        bytes[4] memory calls = [
            abi.encodeCall(coordinator.settle, (THIEF)),
            abi.encodeCall(coordinator.claim, ()),
            abi.encodeCall(coordinator.fund, (1)),
            abi.encodeCall(coordinator.open, ())
        ];
        return abi.encodeCall(HostileLens.call, (self, calls[kind - 12]));
    }

    /// @dev All that a call could have changed: the first slots, where all but the mappings is, what the views say, the
    /// code, and every balance.
    function _world() private view returns (bytes32) {
        bytes32 slots;
        for (uint256 i = 0; i < SLOTS; ++i) {
            slots = keccak256(abi.encode(slots, vm.load(address(coordinator), bytes32(i))));
        }
        uint256[4] memory money = [
            token.balanceOf(address(coordinator)),
            token.balanceOf(THIEF),
            token.allowance(address(coordinator), THIEF),
            address(coordinator).balance
        ];
        bytes memory round = abi.encode(views.roundView(1), views.proposals(1, ALL), views.updates(1));
        return keccak256(abi.encode(slots, money, round, views.balances(), address(coordinator).codehash));
    }
}
