#!/usr/bin/env python3
"""Run the commands that docs/operating.md shows, on a chain of their own, and write down what they print.

    make transcripts        # about five minutes; rewrites the blocks of the document and docs/transcripts.json

What is run, and where, stands in the document itself (`transcript_blocks`). Paths, ports and the time of day are made
uniform, and lines are left out that only say how long something has taken so far; all else is as it was printed. The
chain is anvil with a block each second, the model a random one of 80,000 parameters.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(Path(__file__).parent)]

from support.end_at_sigterm import end_at_sigterm  # noqa: E402
from support.tiny_model import build_tiny_model, colour_rows, write_jsonl  # noqa: E402
from transcript_blocks import Hidden, Shown, blocks, filled, kept, printed  # noqa: E402

DOCUMENT = ROOT / "docs/operating.md"
RECORD = ROOT / "docs/transcripts.json"
CHAIN_ID = 31337
SHOWN_ROOT, SHOWN_RPC = "/srv/fed", "http://127.0.0.1:8545"
BEGIN = timedelta(hours=10)  # the time of day at which every transcript begins
PATIENCE = 600.0  # seconds
SITES = ("clinic", "bank", "law")
COORDINATOR = re.compile(r"0x[0-9A-Fa-f]{4}…")
FOLDER = re.compile(r"(?<![\w./])(federation|sponsor|clinic|bank|law|aggregator)(?:/|$)")
LISTENING = re.compile(r"Listening on (127\.0\.0\.1:\d+)")
WAITING = re.compile(r"^.*: \d+ s (?:so far|in all)\n", re.MULTILINE)
CLOCK = re.compile(r"\b(\d\d):(\d\d):(\d\d)\b")


class Run:
    """One walk through the document. `root`: everything it makes is there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.programs: dict[str, subprocess.Popen[bytes]] = {}
        self.outputs: dict[int, str] = {}
        self.background: list[tuple[Shown, str, Path]] = []
        now = datetime.now(UTC)
        self.since = timedelta(hours=now.hour, minutes=now.minute, seconds=now.second)
        self.rpc = ""
        self.env = {
            **os.environ,
            "HOME": str(root / "home"),
            "PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{ROOT / '.tools/bin'}{os.pathsep}{os.environ['PATH']}",
            "SOLCX_BINARY_PATH": str(ROOT / ".tools/solcx"),
            "DEPLOYMENTS_DIR": str(root / "deployments"),
            "FED_LOG_FORMAT": "human",
            "COLUMNS": "130",
            "TZ": "UTC",
            "HF_HUB_OFFLINE": "1",
            "EDITOR": "nano",
        }

    def prepare(self) -> None:
        """Folders, data, the base model, the chain."""
        (self.root / "home").mkdir()
        build_tiny_model(self.root / "model")
        for seed, site in enumerate(SITES):
            (self.root / site).mkdir()
            write_jsonl(self.root / site / "train.jsonl", colour_rows(64, seed=seed))
            write_jsonl(self.root / site / "test.jsonl", colour_rows(24, seed=1000))
        (self.root / "aggregator").mkdir()
        log = self.root / "anvil.log"
        command = ["anvil", "--port", "0", "--chain-id", str(CHAIN_ID), "--block-time", "1", "--mixed-mining"]
        self.start("anvil", " ".join(command), self.root, log)
        self.until(lambda: LISTENING.search(log.read_text(errors="replace")), "anvil")
        self.rpc = "http://" + "".join(LISTENING.findall(log.read_text(errors="replace")))

    def walk(self, text: str) -> None:
        """Every block, in order."""
        every = blocks(text)
        for block in every:
            if isinstance(block, Hidden):
                for step in block.steps:
                    self.step(step, block.folder, every)
            elif not block.at:
                self.show(block)
        for block, before, log in self.background:
            self.outputs[block.number] = before + kept(self.uniform(log.read_text()), block.lines)

    def step(self, step: str, folder: str, every: list[Shown | Hidden]) -> None:
        """One hidden line."""
        print(f"  ({folder}) {step}", flush=True)
        match step.split():
            case []:
                pass
            case ["@start", name]:
                program = "fedaggregator" if name == "aggregator" else "fednode"
                self.start(name, f"{program} run", self.root / name, self.root / name / "console.txt")
            case ["@end", *names]:
                for name in names:
                    self.programs[name].wait(PATIENCE)
            case ["@stop", name]:
                self.programs[name].terminate()
                self.programs[name].wait(60)
            case ["@status", name, *words]:
                self.until(lambda: " ".join(words) in self.output("fednode status", name), step)
            case ["@block", name]:
                for block in every:
                    if isinstance(block, Shown) and block.at == name:
                        self.show(block)
            case _:
                self.output(step, folder, check=True)

    def show(self, block: Shown) -> None:
        """Run a block's commands and keep what they print."""
        shown = ""
        for number, command in enumerate(block.commands):
            print(f"({block.folder}) {command}", flush=True)
            runnable = command.removeprefix("$ ")
            is_last = number == len(block.commands) - 1
            if block.background and is_last:
                log = self.root / block.folder / "console.txt"
                self.start(block.folder, runnable, self.root / block.folder, log)
                self.background.append((block, f"{shown}{command}\n", log))
                return
            said = self.uniform(self.output(runnable, block.folder))
            address = self.coordinator()
            named = COORDINATOR.sub(f"{address[:6]}…", command) if address else command
            shown += f"{named}\n{kept(said, block.lines if is_last else None)}"
        self.outputs[block.number] = shown

    def output(self, command: str, folder: str, check: bool = False) -> str:
        """What a command prints, on both of its streams."""
        runnable = self.real(command)
        where = ROOT if folder == "repository" else self.root / folder
        done = subprocess.run(
            ["bash", "-c", runnable],
            cwd=where,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode and (check or "unexpected" in done.stdout):
            raise SystemExit(f"{command}: exit status {done.returncode}\n{done.stdout}")
        return done.stdout

    def real(self, command: str) -> str:
        """A command as it can be run: with this run's addresses and paths."""
        if address := self.coordinator():
            command = COORDINATOR.sub(address, command)
        command = command.replace(SHOWN_RPC, self.rpc)
        if "brownie" in command or "tools/recheck.py" in command:
            command = re.sub(
                r"(?<![\w./])(\.\./)?(federation|clinic|bank|law|aggregator)/", rf"{self.root}/\2/", command
            )
            command = command.replace("tools/recheck.py", str(ROOT / "tools/recheck.py"))
        return command

    def coordinator(self) -> str:
        """Its address, once it is deployed."""
        record = self.root / "deployments" / f"{CHAIN_ID}.json"
        return str(json.loads(record.read_text())["coordinator"]) if record.is_file() else ""

    def uniform(self, text: str) -> str:
        """An output with the paths, the port and the time of day that every transcript has."""
        text = WAITING.sub("", re.sub(r"\x1b\[[0-9;]*m", "", text))
        text = text.replace(str(self.root), SHOWN_ROOT).replace(str(ROOT), f"{SHOWN_ROOT}/repo")
        text = text.replace(self.rpc, SHOWN_RPC)
        return CLOCK.sub(self.shifted, text)

    def shifted(self, found: re.Match[str]) -> str:
        hours, minutes, seconds = map(int, found.groups())
        at = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return f"{datetime(2000, 1, 1) + (at - self.since) % timedelta(days=1) + BEGIN:%H:%M:%S}"

    def start(self, name: str, command: str, where: Path, log: Path) -> None:
        with log.open("ab") as console:
            self.programs[name] = subprocess.Popen(
                command.split(), cwd=where, env=self.env, stdout=console, stderr=console, stdin=subprocess.DEVNULL
            )

    def until(self, reached: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not reached():
            if time.monotonic() > deadline:
                raise SystemExit(f"{what}: not after {PATIENCE:g} s")
            time.sleep(0.3)

    def stop(self) -> None:
        for program in self.programs.values():
            if program.poll() is None:
                program.send_signal(signal.SIGTERM)


def main() -> None:
    end_at_sigterm()
    keep = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    folder = Path(tempfile.mkdtemp(prefix="transcripts-")) if keep is None else keep
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(folder.resolve())
    try:
        run.prepare()
        run.walk(DOCUMENT.read_text(encoding="utf-8"))
    finally:
        if keep is None:
            run.stop()
    text = filled(DOCUMENT.read_text(encoding="utf-8"), run.outputs)
    DOCUMENT.write_text(text, encoding="utf-8")
    RECORD.write_text(json.dumps(printed(text), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"wrote {len(run.outputs)} transcripts to {DOCUMENT} and {RECORD}")
    if keep is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
