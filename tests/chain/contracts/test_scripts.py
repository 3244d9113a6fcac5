"""The brownie scripts as a person runs them: on brownie's development network and on an anvil that already runs.

A copy of the project is used, so that nothing of a developer's checkout (build/, deployments/, ~/.brownie) is touched.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from fedprotocol.chain.account import keys
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.creation import DEPLOYER, made_at, was_made
from fedprotocol.chain.read.trust import examine
from fedprotocol.deployment.record import load_deployment
from fedprotocol.spec import check_against, load_spec, spec_digest
from support.brownie_project import CHAIN_ID, Project, copied
from support.evm import ROOT, Anvil, compiled
from support.ports import free_port

SOMEBODY = "0x" + 20 * "11"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = copied(tmp_path_factory.mktemp("project"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def chain(project: Project) -> Iterator[Anvil]:
    with Anvil("--chain-id", str(CHAIN_ID)) as anvil:
        project.network("fed-local", anvil.url, CHAIN_ID)
        yield anvil


def test_deploy_on_brownies_development_network(project: Project) -> None:
    project.development_port(free_port())
    said = project.brownie("run", "deploy", FEDERATION=project.federation("[money]\npool = 300\n"))
    assert "The pool holds 300 FED" in said
    deployment = load_deployment(project.folder / "deployments", 31_337)
    assert (deployment.name, deployment.rule_name, deployment.demo_token) == ("small", "fedavg", True)


@pytest.fixture(scope="module")
def deployed(project: Project, chain: Anvil) -> Coordinator:
    """A federation with an allowlist of anvil's accounts 1 to 3, deployed by argument."""
    listed = json.dumps(chain.accounts[1:4])
    path = project.federation(f'[members]\nallowlist = {listed}\n[phases]\ntrain = "10m"\n[money]\npool = "150.5"\n')
    said = project.run("deploy", "main", path)
    deployment = project.deployment()
    assert deployment.coordinator in said
    assert "The pool holds 150.5 FED" in said
    return Coordinator.connect(chain.url, deployment.coordinator, CHAIN_ID)


def test_what_is_deployed_is_what_was_asked_for(project: Project, chain: Anvil, deployed: Coordinator) -> None:
    deployment, config = project.deployment(), deployed.config()
    document = (project.folder / "spec.json").read_bytes()
    check_against(load_spec(document), spec_digest(document), config)
    assert (config.token, config.rule, config.gate, config.disputes) == (
        deployment.token,
        deployment.rule,
        deployment.gate,
        deployment.disputes,
    )
    assert (config.sponsor, config.train_length, config.min_stake) == (chain.accounts[0], 600, 100 * 10**18)
    assert deployed.balances().pool == 1505 * 10**17
    assert deployment.spec_digest == "0x" + spec_digest(document).hex()
    created = chain.web3.eth.get_transaction_receipt(deployment.transactions["coordinator"])
    assert (created["to"], created["blockNumber"]) == (DEPLOYER, deployment.block)
    gate = chain.web3.eth.contract(address=deployment.gate, abi=compiled("AllowlistGate")["abi"])
    assert [gate.functions.isAllowed(a).call() for a in chain.accounts[:5]] == [False, True, True, True, False]


def test_what_is_deployed_is_known_to_the_programs(chain: Anvil, deployed: Coordinator) -> None:
    parts = examine(deployed)
    assert {part.role for part in parts} >= {"coordinator", "disputes", "rule", "gate"}
    assert all(part.is_known for part in parts), parts
    assert chain.standing("Disputes").address != deployed.config().disputes, "this one found the place taken"
    assert was_made(deployed.config().disputes, bytes.fromhex(compiled("Disputes")["bin"]))


def test_publishing_sends_what_compiles_to_the_code_that_stands_there(
    project: Project, chain: Anvil, deployed: Coordinator, tmp_path: Path
) -> None:
    """Byte by byte, with the metadata: forge's own request, to a compiler in place of an explorer."""
    for folder in (".svm", ".local/share/svm"):  # where forge looks for the compiler before it loads one
        compiler = tmp_path / folder / "0.8.28/solc-0.8.28"
        compiler.parent.mkdir(parents=True)
        compiler.symlink_to(ROOT / "tools/solc")
    forge = str(ROOT / ".tools/bin/forge")
    if not (ROOT / ".tools/forge/cache/solidity-files-cache.json").exists():  # which `make forge` leaves
        subprocess.run([forge, "build", "contracts/DemoToken.sol"], cwd=ROOT, capture_output=True, check=True)
    (status, said), (unknown, elsewhere) = project.batch(("publish",), ("publish", "main", "elsewhere"))
    assert (status, unknown) == (0, 1), said + elsewhere
    assert "publish with sourcify or etherscan" in elsewhere
    commands = [shlex.split(line) for line in said.splitlines() if " forge verify-contract " in line]
    names = [words[-1].rpartition(":")[2] for words in commands]
    assert sorted(names) == sorted([*(part.contract or "" for part in examine(deployed)), "DemoToken", "PeerDirectory"])
    request: dict[str, Any] = {}
    for words in commands:
        asked = [*words[:-2], "--show-standard-json-input", *words[-2:]]
        asked[asked.index("forge")] = forge
        environment = {**os.environ, "HOME": str(tmp_path)}
        answer = subprocess.run(asked, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert not answer.returncode, answer.stderr
        one = json.loads(answer.stdout)
        request = request or one
        assert one["settings"] == request["settings"]
        assert all(request["sources"].setdefault(path, source) == source for path, source in one["sources"].items())
    # All at once, because the compiler takes long to start: a contract's code does not depend on what stands beside it.
    wanted = ["evm.bytecode.object", "evm.deployedBytecode.object"]
    contracts_at = (words[-1].rpartition(":") for words in commands)
    request["settings"]["outputSelection"] = {path: {name: wanted} for path, _, name in contracts_at}
    compiled_again = subprocess.run(
        [str(ROOT / "tools/solc"), "--standard-json"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    contracts = json.loads(compiled_again.stdout)["contracts"]
    for words, name in zip(commands, names, strict=True):
        evm = contracts[words[-1].rpartition(":")[0]][name]["evm"]
        deployed_code = bytes(chain.web3.eth.get_code(to_checksum_address(words[-2])))
        assert deployed_code.hex() == evm["deployedBytecode"]["object"], name
        if name == "FederationCoordinator":
            arguments = words[words.index("--constructor-args") + 1]
            made = made_at(0, bytes.fromhex(evm["bytecode"]["object"] + arguments.removeprefix("0x")))
            assert made == deployed.address


def test_a_keystore_deploys_beside_the_first_federation(project: Project, chain: Anvil, deployed: Coordinator) -> None:
    keystore, password = project.folder / "sponsor.json", project.folder / "password"
    account = keys.create(keystore, "correct horse", iterations=2)
    password.write_text("correct horse\n")
    password.chmod(0o600)
    chain.rpc("anvil_setBalance", account.address, hex(10**18))
    first = project.deployment()
    deploy = ("deploy", "main", project.federation(f'[money]\ntoken = "{deployed.config().token}"\n'))
    said = project.run(*deploy, FED_ACCOUNT=str(keystore), FED_PASSWORD_FILE=str(password))
    second = project.deployment()
    assert "The pool is empty: `brownie run fund` fills it" in said
    assert (second.deployer, second.token, second.demo_token) == (account.address, first.token, False)
    project.refused({deploy: "neither a keystore file nor one of"}, FED_ACCOUNT="nobody")
    assert project.deployment() == second


def test_every_script_does_what_it_says(project: Project, chain: Anvil, deployed: Coordinator) -> None:
    """`tests/chain/node/test_sponsor_*.py` try what is behind the scripts."""
    member, other = chain.accounts[1], chain.accounts[5]
    token = deployed.config().token
    calls = {
        ("fund", "main", "1.25"): "The pool holds 151.75 FED",
        ("fund", "faucet", member): f"{member} received 10 ETH and 1000 FED",
        ("rounds",): "Rounds none yet",
        ("rounds", "events"): "Funded",
        ("rounds", "federations"): deployed.address,
        ("members",): "Seats of small none yet",
        ("members", "allow", other): f"{other} is on the list: it may take a seat",
        ("members", "disallow", other): f"{other} is off the list",
        ("members", "settle", member): f"{member} is settled",
        ("close",): "To do it: `brownie run close now`",
        ("token",): "brownie run token give 0x",
        ("token", "give", token, "2", other): f"{other} received 2 FED",
    }
    for (call, words), (status, said) in zip(
        calls.items(), project.batch(*calls, FED_COORDINATOR=deployed.address), strict=True
    ):
        assert status == 0 and words in said, (call, said)
    assert deployed.balances().pool == 15175 * 10**16
    refused = {
        ("deploy",): "which federation?",
        ("deploy", "plan", "absent.toml"): "there is no federation file",
        ("rounds", "show"): "none was opened yet",
        ("members", "drop", member): "has no seat",
        ("members", "drop"): "which accounts?",
        ("token", "give", token): "what to whom?",
    }
    project.refused(refused, FED_COORDINATOR=deployed.address)
    closing = {("close", "now"): "is closed: no further round opens"}
    [(status, said)] = project.batch(*closing, FED_COORDINATOR=deployed.address)
    assert status == 0 and deployed.is_closed(), said


def test_a_changed_contract_is_deployed_and_found_out(project: Project, tmp_path: Path) -> None:
    changed = Project(tmp_path / "project", project.environment)
    shutil.copytree(project.folder, changed.folder, symlinks=True)
    source = changed.folder / "contracts/Disputes.sol"
    source.write_text(source.read_text().replace("revert LeafIsCorrect();", "{}"))
    path = changed.federation("", "changed.toml")
    said = changed.run("deploy", "main", path, status=1, DEPLOYMENTS_DIR=str(tmp_path / "changed"))
    assert "the disputes contract at" in said and "No site will join" in said


@pytest.mark.usefixtures("chain")
def test_an_error_that_nobody_foresaw_is_one_line(project: Project) -> None:
    (project.folder / "scripts/unknown.py").write_text(
        "from scripts.lib.network import command\n\n\n@command\ndef main(network) -> None:\n"
        "    raise RuntimeError('something that\\nnobody has\\nforeseen')\n"
    )
    [(status, said)] = project.batch(("unknown", "main"))
    assert status == 1
    assert said.splitlines()[-2:] == [
        "error: unexpected RuntimeError: something that nobody has foreseen",
        "  set FED_DEBUG=1 and run it again to see where it comes from",
    ]


def test_a_network_that_is_another_chain_or_silent_or_not_set(project: Project, chain: Anvil) -> None:
    project.network("other", chain.url, 5)
    assert "is configured as chain 5" in project.brownie("run", "rounds", "--network", "other", status=1)
    project.network("other", "http://127.0.0.1:9", 5)
    assert "does not answer" in project.brownie("run", "rounds", "--network", "other", status=1)
    said = project.brownie("run", "rounds", "--network", "sepolia", status=1)
    assert "WEB3_INFURA_PROJECT_ID is not set: set it in the environment" in said
    assert "brownie networks modify sepolia host=https://" in said
    assert "Traceback" not in said and "File" not in said


def test_no_script_reads_the_chain_through_brownie() -> None:
    """Brownie keeps what it read until a thread of its own has heard of a new block: on a busy machine a contract was
    missing after the receipt of its creation."""
    for path in (ROOT / "scripts").rglob("*.py"):
        if path.name != "network.py":
            assert not re.search(r"from brownie import .*\bweb3\b|brownie\.web3", path.read_text()), path
    asked = set(re.findall(r"\bweb3\.eth\.(\w+)", (ROOT / "scripts/lib/network.py").read_text()))
    assert asked <= {"chain_id", "accounts"}
