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
from eth_account import Account
from eth_utils.address import to_checksum_address
from fedprotocol.chain.account import keys
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.code import code_hash
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.creation import DEPLOYER, made_at, was_made
from fedprotocol.chain.read.trust import examine
from fedprotocol.deployment.record import Deployment, load_deployment
from fedprotocol.hashes import commit_hash
from fedprotocol.spec import check_against, load_spec, spec_digest
from support.brownie_project import CHAIN_ID, Project, check_refused, copied
from support.evm import ROOT, Anvil, compiled
from support.node_kinds import Answer, node, seals
from support.ports import free_port
from support.specs import DOCUMENT, MASKED, small_federation, small_spec

SOMEBODY = "0x" + 20 * "11"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = copied(tmp_path_factory.mktemp("project"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def chain(project: Project) -> Iterator[Anvil]:
    with Anvil("--chain-id", str(CHAIN_ID)) as anvil:
        project.brownie("networks", "add", "Federation", "fed-local", f"host={anvil.url}", f"chainid={CHAIN_ID}")
        yield anvil


def test_deploy_on_brownies_development_network(project: Project) -> None:
    port = free_port()
    project.brownie("networks", "modify", "development", f"port={port}")
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


def late_receipts() -> Answer:
    """A nonce counts as used before the receipt is to be had: so are several nodes behind one name, and anvil while
    its machine is busy."""
    asked_before = set()

    def answer(asked: dict[str, Any]) -> Any:
        if asked["method"] != "eth_getTransactionReceipt" or asked["params"][0] in asked_before:
            return seals(asked)
        asked_before.add(asked["params"][0])
        return lambda given: {**given, "result": None}

    return answer


def test_fund_adds_and_fills_up(project: Project, chain: Anvil, deployed: Coordinator) -> None:
    with node(chain.url, late_receipts()) as late:
        project.brownie("networks", "add", "Federation", "late", f"host={late.url}", f"chainid={CHAIN_ID}")
        said = project.brownie("run", "fund", "main", "1.25", "--network", "late")
    assert "The pool holds 151.75 FED" in said
    cases = {
        ("fund", "main", "lots"): "no amount of whole tokens",
        ("fund", "main", "-5"): "above zero",
        ("fund", "main", "nan"): "above zero",
        ("fund", "main", "0.0000000000000000001"): "only 18 decimals",
        ("fund", "faucet", "0x12"): "no Ethereum addresses: 0x12",
        ("fund", "faucet"): "which accounts?",
    }
    filled, again, *wrong = project.batch(("fund",), ("fund",), *cases)
    assert "The pool holds 300 FED" in filled[1]
    assert "nothing to add" in again[1]
    check_refused(cases, wrong)
    assert deployed.balances().pool == 300 * 10**18


def test_rounds_shows_what_happened(project: Project, chain: Anvil, deployed: Coordinator) -> None:
    clients, stake, prior = chain.accounts[1:4], 100 * 10**18, deployed.config().genesis_root
    stranger = Account.create().address
    calls = (("rounds",), ("rounds", "show"), ("fund", "faucet", stranger, *clients))
    (_, none), (absent, refused), (funded, said) = project.batch(*calls)
    assert "Rounds none yet" in none
    assert absent == 1 and "none was opened yet" in refused
    assert funded == 0, said
    assert chain.web3.eth.get_balance(stranger) == 10 * 10**18
    assert deployed.token.balance_of(stranger) == 1_000 * 10**18
    for account in clients:
        chain.do(deployed.token.approve(deployed.address, stake), account)
        chain.do(deployed.calls.join(stake), account)
    updates = [(bytes([9 + i]) * 32, 3, 100 + i, bytes([i]) * 32) for i in range(3)]
    for account, (root, shift, examples, salt) in zip(clients, updates, strict=True):
        digest = commit_hash(CHAIN_ID, deployed.address, 1, account, prior, root, shift, examples, salt)
        chain.do(deployed.calls.commit(1, prior, digest), account)
    for account, (root, shift, examples, salt) in zip(clients, updates, strict=True):
        chain.do(deployed.calls.reveal(1, root, shift, examples, salt, 2_500_000, 1_250_000), account)
    inputs = deployed.round_view(1).inputs_hash
    for account in clients:
        chain.do(deployed.calls.attest(1, inputs, 0b111), account)

    cases = {
        ("rounds", "show", "2"): "there is no round 2: 1 to 1 were opened",
        ("rounds", "show", "0"): "there is no round 0",
        ("rounds", "show", "x"): "no number of a round",
    }
    calls = (("rounds",), ("rounds", "show", "1"), ("rounds", "events"), *cases)
    (_, overview), (_, detail), (_, events), *wrong = project.batch(*calls)
    assert re.search(r"(?m)^[│ ]*1[│ ]+aggregate", overview)
    left = Amounts(18, "FED")(deployed.balances().pool)  # without the reward that is reserved
    assert re.search(f"pool +{re.escape(left)}", overview)
    for account in clients:
        assert re.search(rf"{account}[│ ]+active[│ ]+100 FED", overview)
    assert len(re.findall(r" 10[012][│ ]+100%[│ ]+yes[│ ]+yes", detail)) == 3
    assert "loss_before 2.5000, loss_after 1.2500" in detail
    assert re.search(r"Attested[│ ]+round 1, .*bitmap 111", detail)
    assert all(name in events for name in ("Funded", "Joined", "RoundOpened", "Committed", "Revealed"))
    check_refused(cases, wrong)


def test_a_keystore_deploys_beside_the_first_federation(project: Project, chain: Anvil, deployed: Coordinator) -> None:
    keystore, password = project.folder / "sponsor.json", project.folder / "password"
    account = keys.create(keystore, "correct horse", iterations=2)
    password.write_text("correct horse\n")
    password.chmod(0o600)
    secret = {"FED_ACCOUNT": str(keystore), "FED_PASSWORD_FILE": str(password)}
    deploy = ("deploy", "main", project.federation(f'[money]\ntoken = "{deployed.config().token}"\n'))
    project.refused({deploy: "has no ether"}, **secret)
    chain.rpc("anvil_setBalance", account.address, hex(10**18))
    first = project.deployment()
    said = project.run(*deploy, **secret)
    second = project.deployment()
    assert "The pool is empty" in said
    assert (second.deployer, second.token, second.demo_token) == (account.address, first.token, False)
    kept = project.folder / "deployments" / f"{CHAIN_ID}-{first.coordinator}.json"
    assert Deployment.model_validate_json(kept.read_bytes()) == first
    project.refused({("fund", "main", "100"): "holds 0 FED, and 100 FED more are needed"}, **secret)
    project.refused({deploy: "neither a keystore file nor one of"}, FED_ACCOUNT="nobody")
    password.write_text("wrong horse\n")
    project.refused({deploy: "wrong password"}, **secret)


def test_a_gate_of_the_sponsors_own_is_named_and_other_contracts_are_refused(
    project: Project, chain: Anvil, tmp_path: Path
) -> None:
    gate = chain.deploy("GateMock")
    path = project.federation(f'[members]\ngate = "{gate.address}"\n', "gate.toml")
    said = project.run("deploy", "main", path, DEPLOYMENTS_DIR=str(tmp_path / "gate"))
    found = code_hash(bytes(chain.web3.eth.get_code(gate.address)))
    assert "coordinator, disputes, rule: of this version" in said
    assert f'gate: sites must write [chain] trusted_code = ["{found}"]' in said

    changed = Project(tmp_path / "project", project.environment)
    shutil.copytree(project.folder, changed.folder, symlinks=True)
    source = changed.folder / "contracts/Disputes.sol"
    source.write_text(source.read_text().replace("revert LeafIsCorrect();", "{}"))
    path = changed.federation("", "changed.toml")
    said = changed.run("deploy", "main", path, status=1, DEPLOYMENTS_DIR=str(tmp_path / "changed"))
    assert "the disputes contract at" in said and "No site will join" in said


def test_a_chain_without_the_deployer_gets_one(project: Project, tmp_path: Path) -> None:
    with Anvil("--chain-id", "32001", "--disable-default-create2-deployer") as bare:
        assert not bare.web3.eth.get_code(DEPLOYER)
        project.brownie("networks", "add", "Federation", "bare", f"host={bare.url}", "chainid=32001")
        arguments = ("run", "deploy", "main", project.federation(), "--network", "bare")
        said = project.brownie(*arguments, DEPLOYMENTS_DIR=str(tmp_path))
        assert bare.web3.eth.get_code(DEPLOYER) and "coordinator, disputes, rule: of this version" in said


def test_a_masked_federation_has_a_rule_of_its_own(project: Project, chain: Anvil) -> None:
    folder = project.folder / "masked"
    folder.mkdir()
    document = small_federation(folder / "spec.json", **MASKED)
    members = f"[members]\nallowlist = {json.dumps(chain.accounts[1:4])}\n"
    file, money = folder / "federation.toml", "[money]\npenalty = 100\nmin_stake = 400\n"
    file.write_text('spec = "spec.json"\n' + money)
    cases = {("deploy", call, str(file)): "members.allowlist: name the sites" for call in ("plan", "main")}
    check_refused(cases, project.batch(*cases))
    file.write_text('spec = "spec.json"\n' + members + money)
    (planned, plan), (deployed, said) = project.batch(("deploy", "plan", str(file)), ("deploy", "main", str(file)))
    assert (planned, deployed) == (0, 0), plan + said
    assert "a site counts for at most 1,024 examples" in plan
    made = Coordinator.connect(chain.url, project.deployment().coordinator, CHAIN_ID)
    check_against(load_spec(document), spec_digest(document), made.config())
    assert (made.rule_name, made.rule_parameters) == ("masked-mean", (4, 1000))
    assert made.config().is_masked and all(part.is_known for part in examine(made))
    [estimate] = re.findall(r"MaskedMean +([0-9,]+) gas", plan)
    [used] = re.findall(r"MaskedMean: \S+ \(([0-9,]+) gas", said)
    estimate, used = (int(text.replace(",", "")) for text in (estimate, used))
    assert used <= estimate <= 1.5 * used


def test_nothing_is_sent_if_anything_is_wrong(project: Project, chain: Anvil, deployed: Coordinator) -> None:
    height, before = chain.web3.eth.block_number, project.deployment()
    nowhere, token = "0x" + "00" * 19 + "99", deployed.config().token
    wrong = {
        "[money]\nreward = 1": "money.reward",
        "[money]\nbond = 24": "money.bond = 24: it must be worth four proofs and a quarter of round_reward",
        "[phases]\nmin_window = 5": "phases.min_window = 5 s",
        f'[money]\ntoken = "{nowhere}"': "there is no contract at the token's address",
        f'[money]\ntoken = "{deployed.address}"': "is no ERC-20 token",
        f'[members]\ngate = "{nowhere}"': "members.gate: there is no contract",
        '[money]\npool = "0.0000000000000000001"': "money.pool",
        f'[money]\npool = 1000000000\ntoken = "{token}"': "more are needed",
    }
    cases = {
        ("deploy", "main", project.federation(text, f"wrong{i}.toml")): message
        for i, (text, message) in enumerate(wrong.items())
    }
    (project.folder / "no_spec.toml").write_text('spec = "absent.json"')
    (project.folder / "no_json.toml").write_text('spec = "no_spec.toml"')
    (project.folder / "bad.json").write_text("{}")
    (project.folder / "bad_spec.toml").write_text('spec = "bad.json"')
    folders = {name: project.folder / name for name in ("no_genesis", "other_genesis", "other_parts")}
    for folder in folders.values():
        folder.mkdir()
        (folder / "federation.toml").write_text('spec = "spec.json"')
    (folders["no_genesis"] / "spec.json").write_bytes(small_spec())
    small_federation(folders["other_genesis"] / "spec.json")
    (folders["other_genesis"] / "spec.json").write_bytes(small_spec())  # which names another global 0
    small_federation(folders["other_parts"] / "spec.json", layout={**DOCUMENT["layout"], "parts": 2})
    project.refused(
        {
            **cases,
            ("deploy",): "which federation?",
            ("deploy", "main", "absent.toml"): "there is no federation file",
            ("deploy", "main", "no_spec.toml"): "cannot be read",
            ("deploy", "main", "no_json.toml"): "this spec is not JSON",
            ("deploy", "main", "bad_spec.toml"): "this spec is not valid",
            ("deploy", "main", "no_genesis/federation.toml"): "the adapter that training begins with",
            ("deploy", "main", "other_genesis/federation.toml"): "root",
            ("deploy", "main", "other_parts/federation.toml"): "2 leaves for each of an update",
        }
    )
    assert chain.web3.eth.block_number == height
    assert project.deployment() == before


@pytest.mark.usefixtures("deployed")
def test_what_the_contract_refuses_is_named(project: Project, chain: Anvil, tmp_path: Path) -> None:
    token = chain.deploy("FeeToken")  # takes a fee of every transfer
    chain.do(token.functions.mint(chain.accounts[0], 10**21))
    path = project.federation(f'[money]\npool = 5\ntoken = "{token.address}"\n', "fee.toml")
    project.refused({("deploy", "main", path): "takes a fee of every transfer"}, DEPLOYMENTS_DIR=str(tmp_path))
    assert load_deployment(tmp_path, CHAIN_ID).token == token.address  # what is there already is not forgotten


@pytest.mark.usefixtures("deployed")
def test_tokens_as_they_are(project: Project, chain: Anvil, tmp_path: Path) -> None:
    """A symbol of 32 bytes, nothing returned, an allowance that must be taken back first; no symbol, no decimals."""
    sponsor = chain.accounts[0]
    old, silent = chain.deploy("OldToken"), chain.deploy("SilentToken")
    for token in (old, silent):
        chain.do(token.functions.mint(sponsor, 10**12))
    for name, token, pool in (("old", old, 12.5), ("silent", silent, 300)):
        path = project.federation(f'[money]\npool = {pool}\nstake_per_example = 1\ntoken = "{token.address}"\n', name)
        environment = {"DEPLOYMENTS_DIR": str(tmp_path / name)}
        [(status, output)] = project.batch(("deploy", "main", path), **environment)
        assert status == 0, output
        coordinator = load_deployment(tmp_path / name, CHAIN_ID).coordinator
        chain.do(token.functions.approve(coordinator, 1))
        calls = (("fund", "main", "2"), ("rounds",), ("fund", "faucet", SOMEBODY))
        answers = project.batch(*calls, **environment)
        assert [status for status, _ in answers] == [0, 0, 0], answers
        said = "14.5 OLD" if token is old else "302 smallest units"
        assert f"The pool holds {said}" in answers[0][1]
        assert re.search(rf"pool +{said}", answers[1][1]), answers[1][1]
        assert token.functions.allowance(sponsor, coordinator).call() == 0
        assert ("says no decimals" in output) == (token is silent)
    assert old.functions.balanceOf(SOMEBODY).call() == 1_000 * 10**6
    project.refused({("fund", "main", "0.5"): "only 0 decimals"}, DEPLOYMENTS_DIR=str(tmp_path / "silent"))


@pytest.mark.usefixtures("deployed")
def test_what_a_token_calls_itself_and_says_is_text(project: Project, chain: Anvil, tmp_path: Path) -> None:
    token = chain.deploy("RudeToken")
    rude = b"\x1b[2J[red]A\nB\xe2\x80\xae"
    chain.do(token.functions.mint(chain.accounts[0], 10**21))
    chain.do(token.functions.call(rude))
    small_federation(project.folder / "marked.json", name="Ward [/red] notes :bomb:")
    file = project.folder / "rude.toml"
    file.write_text(f'spec = "marked.json"\n[money]\npool = 5\ntoken = "{token.address}"\n')
    calls = (("deploy", "main", str(file)), ("rounds",), ("rounds", "events"), ("fund", "main", "1"))
    for call, (status, output) in zip(calls, project.batch(*calls, DEPLOYMENTS_DIR=str(tmp_path)), strict=True):
        assert status == 0, output
        assert r"\x1b[2J[red]A\nB\u202e" in output, (call, output)
        assert "\x1b[2J" not in output and "\u202e" not in output
        assert call != ("rounds",) or "Federation Ward [/red] notes :bomb:" in output, output
    chain.do(token.functions.refuse(rude + 5000 * b"x"))
    [(status, output)] = project.batch(("fund", "main", "1"), DEPLOYMENTS_DIR=str(tmp_path))
    assert status == 1
    assert r"[red]A\nB" in output and "\x1b[2J" not in output and "\u202e" not in output, output


@pytest.mark.usefixtures("chain")
def test_an_error_that_nobody_foresaw_is_one_line(project: Project) -> None:
    (project.folder / "scripts/unknown.py").write_text(
        "from scripts.lib.network import command\n\n\n@command\ndef main() -> None:\n"
        "    raise RuntimeError('something that\\nnobody has\\nforeseen')\n"
    )
    [(status, said)] = project.batch(("unknown", "main"))
    assert status == 1
    assert said.splitlines()[-2:] == [
        "error: unexpected RuntimeError: something that nobody has foreseen",
        "  set FED_DEBUG=1 and run it again to see where it comes from",
    ]


def test_a_network_that_is_another_chain_or_silent(project: Project, chain: Anvil) -> None:
    project.brownie("networks", "add", "Federation", "other", f"host={chain.url}", "chainid=5")
    assert "is configured as chain 5" in project.brownie("run", "rounds", "--network", "other", status=1)
    project.brownie("networks", "modify", "other", "host=http://127.0.0.1:9")
    assert "does not answer" in project.brownie("run", "rounds", "--network", "other", status=1)


@pytest.mark.usefixtures("deployed")
def test_a_chain_started_anew_is_said_so(project: Project, tmp_path: Path) -> None:
    project.stop()
    with Anvil("--chain-id", str(CHAIN_ID)) as anew:
        project.brownie("networks", "modify", "fed-local", f"host={anew.url}")
        (stale,) = project.batch(("rounds",))
        (absent,) = project.batch(("rounds",), DEPLOYMENTS_DIR=str(tmp_path))
    assert "was the chain started anew?" in stale[1]
    assert "nothing is deployed" in absent[1]


def test_no_script_reads_the_chain_through_brownie() -> None:
    """Brownie keeps what it read until a thread of its own has heard of a new block: on a busy machine a contract was
    missing after the receipt of its creation."""
    for path in (ROOT / "scripts").rglob("*.py"):
        if path.name != "network.py":
            assert not re.search(r"from brownie import .*\bweb3\b|brownie\.web3", path.read_text()), path
    asked = set(re.findall(r"\bweb3\.eth\.(\w+)", (ROOT / "scripts/lib/network.py").read_text()))
    assert asked <= {"chain_id", "accounts"}
