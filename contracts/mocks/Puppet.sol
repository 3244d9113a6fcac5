// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title An account with code: anybody tells it what to do, and it may put up with being refused.
contract Puppet {
    struct Call {
        address target;
        bytes data;
    }

    uint256 public successes;
    bytes[] private _refusals;

    /// @notice All of these calls, or none and the error of the first that fails.
    function run(Call[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool ok, bytes memory reason) = calls[i].target.call(calls[i].data);
            if (ok) continue;
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
    }

    /// @notice This call, whatever comes of it.
    function attempt(Call calldata call_) external {
        (bool ok, bytes memory reason) = call_.target.call(call_.data);
        if (ok) ++successes;
        else _refusals.push(reason);
    }

    /// @return The revert data of every attempt that failed.
    function refusals() external view returns (bytes[] memory) {
        return _refusals;
    }
}
