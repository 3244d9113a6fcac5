// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {TokenMock} from "./TokenMock.sol";

/// @title During a transfer, once, calls back into the coordinator.
contract ReentrantToken is TokenMock {
    address private _target;
    bytes private _call;

    function arm(address target, bytes calldata call_) external {
        _target = target;
        _call = call_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_target == address(0)) return;
        address target = _target;
        _target = address(0);
        (bool ok, bytes memory reason) = target.call(_call);
        if (ok) return;
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }
}
