// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title A gate that answers what it is told to: for the coordinator's tests only.
contract GateMock {
    enum Mode {
        Allow,
        Refuse,
        Revert,
        Nothing, // returns no data
        Two, // neither true nor false
        Burn, // all the gas it gets
        Flood, // 100,000 bytes of ones
        Write // changes state
    }

    Mode public mode;

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    function isAllowed(address) external returns (bool) {
        Mode m = mode;
        if (m == Mode.Revert) revert("no");
        if (m == Mode.Burn) while (true) {}
        if (m == Mode.Write) mode = Mode.Allow;
        assembly ("memory-safe") {
            if eq(m, 3) { return(0, 0) }
            if eq(m, 6) {
                mstore(0, 1)
                return(0, 100000)
            }
            mstore(0, 1)
            if eq(m, 1) { mstore(0, 0) }
            if eq(m, 4) { mstore(0, 2) }
            return(0, 32)
        }
    }
}
