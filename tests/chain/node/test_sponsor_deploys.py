"""`fednode federation` deploys, fills the pool and shows what happens, from a folder with nothing of the repository."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from fedprotocol.chain.account import keys
from fedprotocol.chain.amounts import Amounts
from fedprotocol.chain.read.code import code_hash
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.creation import DEPLOYER
from fedprotocol.chain.read.trust import examine
from fedprotocol.deployment.contract_code import shipped_code
from fedprotocol.deployment.record import Deployment, load_deployment
from fedprotocol.hashes import commit_hash
from fedprotocol.spec import check_against, load_spec, spec_digest
from support.evm import Anvil, compiled
from support.node_kinds import Answer, node, seals
from support.specs import DOCUMENT, MASKED, small_federation, small_spec
from support.sponsor import CHAIN_ID, Sponsor

SOMEBODY = "0x" + 20 * "11"


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil("--chain-id", str(CHAIN_ID)) as anvil:
        yield anvil


@pytest.fixture(scope="module")
def sponsor(chain: Anvil, tmp_path_factory: pytest.TempPathFactory) -> Sponsor:
    return Sponsor(tmp_path_factory.mktemp("sponsor"), chain)


@pytest.fixture(scope="module")
def deployed(sponsor: Sponsor, chain: Anvil) -> Coordinator:
    """A federation with an allowlist of anvil's accounts 1 to 3."""
    listed = json.dumps(chain.accounts[1:4])
    path = sponsor.file(f'[members]\nallowlist = {listed}\n[phases]\ntrain = "10m"\n[money]\npool = "150.5"\n')
    said = sponsor.run("deploy", path)
    coordinator = sponsor.deployment().coordinator
    assert coordinator in said
    assert "The pool holds 150.5 FED" in said
    return Coordinator.connect(chain.url, coordinator, CHAIN_ID)


def test_what_ships_is_what_brownie_compiles() -> None:
    """So that both ways of deploying lead to the same addresses."""
    for name in ("AllowlistGate", "DemoToken", "Disputes", "FederationCoordinator", "FedAvg", "MaskedMean", "Median"):
        code, built = shipped_code(name), compiled(name)
        assert (code.abi, code.creation.hex()) == (built["abi"], built["bin"].removeprefix("0x")), name
        assert code.code_bytes == len(built["bin-runtime"].removeprefix("0x")) // 2


def test_what_is_deployed_is_what_was_asked_for(sponsor: Sponsor, chain: Anvil, deployed: Coordinator) -> None:
    deployment, config = sponsor.deployment(), deployed.config()
    document = (sponsor.folder / "spec.json").read_bytes()
    check_against(load_spec(document), spec_digest(document), config)
    assert (config.sponsor, config.train_length, config.min_stake) == (chain.accounts[0], 600, 100 * 10**18)
    assert (deployment.git_commit, deployment.demo_token) == (None, True)
    parts = examine(deployed)
    assert {part.role for part in parts} >= {"coordinator", "disputes", "rule", "gate"}
    assert all(part.is_known for part in parts), parts
    gate = chain.web3.eth.contract(address=deployment.gate, abi=shipped_code("AllowlistGate").abi)
    assert [gate.functions.isAllowed(a).call() for a in chain.accounts[:5]] == [False, True, True, True, False]


def test_fund_adds_and_fills_up(sponsor: Sponsor, chain: Anvil, deployed: Coordinator) -> None:
    with node(chain.url, late_receipts()) as late:
        assert "The pool holds 151.75 FED" in sponsor.run("fund", "1.25", "--rpc", late.url)
    assert "The pool holds 300 FED" in sponsor.run("fund")
    assert "nothing to add" in sponsor.run("fund")
    cases = {
        ("fund", "lots"): "no amount of whole tokens",
        ("fund", "--", "-5"): "above zero",
        ("fund", "nan"): "above zero",
        ("fund", "0.0000000000000000001"): "only 18 decimals",
        ("faucet", "0x12"): "the address '0x12'",
    }
    sponsor.refused(cases)
    assert deployed.balances().pool == 300 * 10**18


def test_rounds_shows_what_happened(sponsor: Sponsor, chain: Anvil, deployed: Coordinator) -> None:
    clients, stake, prior = chain.accounts[1:4], 100 * 10**18, deployed.config().genesis_root
    stranger = Account.create().address
    assert "Rounds none yet" in sponsor.run("show")
    sponsor.refused({("round",): "none was opened yet"})
    sponsor.run("faucet", stranger, *clients)
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
        ("round", "2"): "there is no round 2: 1 to 1 were opened",
        ("round", "0"): "there is no round 0",
        ("round", "x"): "no number of a round",
    }
    sponsor.refused(cases)
    overview, detail, events = sponsor.run("show"), sponsor.run("round", "1"), sponsor.run("events")
    assert re.search(r"(?m)^[│ ]*1[│ ]+aggregate", overview)
    left = Amounts(18, "FED")(deployed.balances().pool)  # without the reward that is reserved
    assert re.search(f"pool +{re.escape(left)}", overview)
    for account in clients:
        assert re.search(rf"{account}[│ ]+active[│ ]+100 FED", overview)
    assert len(re.findall(r" 10[012][│ ]+100%[│ ]+yes[│ ]+yes", detail)) == 3
    assert "loss_before 2.5000, loss_after 1.2500" in detail
    assert re.search(r"Attested[│ ]+round 1, .*bitmap 111", detail)
    assert all(name in events for name in ("Funded", "Joined", "RoundOpened", "Committed", "Revealed"))


def test_a_chain_without_the_deployer_gets_one(sponsor: Sponsor, tmp_path: Path) -> None:
    with Anvil("--chain-id", "32001", "--disable-default-create2-deployer") as bare:
        assert not bare.web3.eth.get_code(DEPLOYER)
        said = sponsor.run("deploy", sponsor.file(), "--rpc", bare.url, DEPLOYMENTS_DIR=str(tmp_path))
        assert bare.web3.eth.get_code(DEPLOYER) and "coordinator, disputes, rule: of this version" in said


def test_a_masked_federation_has_a_rule_of_its_own(sponsor: Sponsor, chain: Anvil) -> None:
    folder = sponsor.folder / "masked"
    folder.mkdir()
    document = small_federation(folder / "spec.json", **MASKED)
    members = f"[members]\nallowlist = {json.dumps(chain.accounts[1:4])}\n"
    file, money = folder / "federation.toml", "[money]\npenalty = 100\nmin_stake = 400\n"
    file.write_text('spec = "spec.json"\n' + money)
    sponsor.refused({(call, str(file)): "members.allowlist: name the sites" for call in ("plan", "deploy")})
    file.write_text('spec = "spec.json"\n' + members + money)
    plan, said = sponsor.run("plan", str(file)), sponsor.run("deploy", str(file))
    assert "a site counts for at most 1,024 examples" in plan
    made = Coordinator.connect(chain.url, sponsor.deployment().coordinator, CHAIN_ID)
    check_against(load_spec(document), spec_digest(document), made.config())
    assert (made.rule_name, made.rule_parameters) == ("masked-mean", (4, 1000))
    assert made.config().is_masked and all(part.is_known for part in examine(made))
    [estimate] = re.findall(r"MaskedMean +([0-9,]+) gas", plan)
    [used] = re.findall(r"MaskedMean: \S+ \(([0-9,]+) gas", said)
    estimate, used = (int(text.replace(",", "")) for text in (estimate, used))
    assert used <= estimate <= 1.5 * used


@pytest.mark.usefixtures("deployed")
def test_what_the_contract_refuses_is_named(sponsor: Sponsor, chain: Anvil, tmp_path: Path) -> None:
    token = chain.deploy("FeeToken")  # takes a fee of every transfer
    chain.do(token.functions.mint(chain.accounts[0], 10**21))
    path = sponsor.file(f'[money]\npool = 5\ntoken = "{token.address}"\n', "fee.toml")
    sponsor.refused({("deploy", path): "takes a fee of every transfer"}, DEPLOYMENTS_DIR=str(tmp_path))
    assert load_deployment(tmp_path, CHAIN_ID).token == token.address  # what is there already is not forgotten


@pytest.mark.usefixtures("deployed")
def test_tokens_as_they_are(sponsor: Sponsor, chain: Anvil, tmp_path: Path) -> None:
    """A symbol of 32 bytes, nothing returned, an allowance that must be taken back first; no symbol, no decimals."""
    owner = chain.accounts[0]
    old, silent = chain.deploy("OldToken"), chain.deploy("SilentToken")
    for token in (old, silent):
        chain.do(token.functions.mint(owner, 10**12))
    for name, token, pool in (("old", old, 12.5), ("silent", silent, 300)):
        path = sponsor.file(f'[money]\npool = {pool}\nstake_per_example = 1\ntoken = "{token.address}"\n', name)
        environment = {"DEPLOYMENTS_DIR": str(tmp_path / name)}
        output = sponsor.run("deploy", path, **environment)
        coordinator = load_deployment(tmp_path / name, CHAIN_ID).coordinator
        chain.do(token.functions.approve(coordinator, 1))
        said = "14.5 OLD" if token is old else "302 smallest units"
        assert f"The pool holds {said}" in sponsor.run("fund", "2", **environment)
        assert re.search(rf"pool +{said}", sponsor.run("show", **environment))
        sponsor.run("faucet", SOMEBODY, **environment)
        assert token.functions.allowance(owner, coordinator).call() == 0
        assert ("says no decimals" in output) == (token is silent)
    assert old.functions.balanceOf(SOMEBODY).call() == 1_000 * 10**6
    sponsor.refused({("fund", "0.5"): "only 0 decimals"}, DEPLOYMENTS_DIR=str(tmp_path / "silent"))


@pytest.mark.usefixtures("deployed")
def test_what_a_token_calls_itself_and_says_is_text(sponsor: Sponsor, chain: Anvil, tmp_path: Path) -> None:
    token = chain.deploy("RudeToken")
    rude = b"\x1b[2J[red]A\nB\xe2\x80\xae"
    chain.do(token.functions.mint(chain.accounts[0], 10**21))
    chain.do(token.functions.call(rude))
    small_federation(sponsor.folder / "marked.json", name="Ward [/red] notes :bomb:")
    file = sponsor.folder / "rude.toml"
    file.write_text(f'spec = "marked.json"\n[money]\npool = 5\ntoken = "{token.address}"\n')
    for call in (("deploy", str(file)), ("show",), ("events",), ("fund", "1")):
        output = sponsor.run(*call, DEPLOYMENTS_DIR=str(tmp_path))
        assert r"\x1b[2J[red]A\nB\u202e" in output, (call, output)
        assert "\x1b[2J" not in output and "\u202e" not in output
        assert call != ("show",) or "Federation Ward [/red] notes :bomb:" in output, output
    chain.do(token.functions.refuse(rude + 5000 * b"x"))
    status, output = sponsor.answer("fund", "1", DEPLOYMENTS_DIR=str(tmp_path))
    assert status == 1
    assert r"[red]A\nB" in output and "\x1b[2J" not in output and "\u202e" not in output, output


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


@pytest.mark.usefixtures("deployed")
def test_a_chain_started_anew_is_said_so(sponsor: Sponsor, tmp_path: Path) -> None:
    with Anvil("--chain-id", str(CHAIN_ID)) as anew:
        sponsor.refused({("show", "--rpc", anew.url): "was the chain started anew?"})
        sponsor.refused({("show", "--rpc", anew.url): "nothing is deployed"}, DEPLOYMENTS_DIR=str(tmp_path))


def test_a_gate_of_the_sponsors_own_is_named(sponsor: Sponsor, chain: Anvil, tmp_path: Path) -> None:
    gate = chain.deploy("GateMock")
    path = sponsor.file(f'[members]\ngate = "{gate.address}"\n', "gate.toml")
    said = sponsor.run("deploy", path, DEPLOYMENTS_DIR=str(tmp_path / "gate"))
    found = code_hash(bytes(chain.web3.eth.get_code(gate.address)))
    assert "coordinator, disputes, rule: of this version" in said
    assert f'gate: sites must write [chain] trusted_code = ["{found}"]' in said


def test_nothing_is_sent_if_anything_is_wrong(sponsor: Sponsor, chain: Anvil, deployed: Coordinator) -> None:
    height, before = chain.web3.eth.block_number, sponsor.deployment()
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
        ("deploy", sponsor.file(text, f"wrong{i}.toml")): message for i, (text, message) in enumerate(wrong.items())
    }
    (sponsor.folder / "no_spec.toml").write_text('spec = "absent.json"')
    (sponsor.folder / "no_json.toml").write_text('spec = "no_spec.toml"')
    (sponsor.folder / "bad.json").write_text("{}")
    (sponsor.folder / "bad_spec.toml").write_text('spec = "bad.json"')
    folders = {name: sponsor.folder / name for name in ("no_genesis", "other_genesis", "other_parts")}
    for folder in folders.values():
        folder.mkdir()
        (folder / "federation.toml").write_text('spec = "spec.json"')
    (folders["no_genesis"] / "spec.json").write_bytes(small_spec())
    small_federation(folders["other_genesis"] / "spec.json")
    (folders["other_genesis"] / "spec.json").write_bytes(small_spec())  # which names another global 0
    small_federation(folders["other_parts"] / "spec.json", layout={**DOCUMENT["layout"], "parts": 2})
    sponsor.refused(
        {
            **cases,
            ("deploy", str(sponsor.folder / "absent.toml")): "there is no federation file",
            ("deploy", str(sponsor.folder / "no_spec.toml")): "cannot be read",
            ("deploy", str(sponsor.folder / "no_json.toml")): "this spec is not JSON",
            ("deploy", str(sponsor.folder / "bad_spec.toml")): "this spec is not valid",
            ("deploy", str(sponsor.folder / "no_genesis/federation.toml")): "the adapter that training begins with",
            ("deploy", str(sponsor.folder / "other_genesis/federation.toml")): "root",
            ("deploy", str(sponsor.folder / "other_parts/federation.toml")): "2 leaves for each of an update",
        }
    )
    assert chain.web3.eth.block_number == height
    assert sponsor.deployment() == before


def test_a_keystore_deploys_beside_the_first_federation(sponsor: Sponsor, chain: Anvil, deployed: Coordinator) -> None:
    keystore, password = sponsor.folder / "sponsor.json", sponsor.folder / "password"
    account = keys.create(keystore, "correct horse", iterations=2)
    password.write_text("correct horse\n")
    password.chmod(0o600)
    secret = {"FED_ACCOUNT": str(keystore), "FED_PASSWORD_FILE": str(password)}
    deploy = ("deploy", sponsor.file(f'[money]\ntoken = "{deployed.config().token}"\n'))
    sponsor.refused({deploy: "has no ether"}, **secret)
    chain.rpc("anvil_setBalance", account.address, hex(10**18))
    first = sponsor.deployment()
    said = sponsor.run(*deploy, **secret)
    second = sponsor.deployment()
    assert "The pool is empty" in said
    assert (second.deployer, second.token, second.demo_token) == (account.address, deployed.config().token, False)
    kept = sponsor.records / f"{CHAIN_ID}-{first.coordinator}.json"
    assert Deployment.model_validate_json(kept.read_bytes()) == first
    sponsor.refused({("fund", "100"): "holds 0 FED, and 100 FED more are needed"}, **secret)
    sponsor.refused({deploy: "there is no key file nobody"}, FED_ACCOUNT="nobody")
    password.write_text("wrong horse\n")
    sponsor.refused({deploy: "wrong password"}, **secret)


def test_a_public_chain_must_be_named(sponsor: Sponsor, chain: Anvil) -> None:
    """Whoever signs says which chain they mean; only one for development may be found out from its node."""

    def geth(asked: dict[str, Any]) -> Any:
        return (
            (lambda given: {**given, "result": "Geth/v1.15"})
            if asked["method"] == "web3_clientVersion"
            else seals(asked)
        )

    path = sponsor.file("[money]\npool = 1\n", "public.toml")
    with node(chain.url, geth) as public:
        cases = {
            ("fund", "--rpc", public.url): f"--chain {CHAIN_ID} if it is this one",
            ("deploy", path, "--rpc", public.url, "--chain", str(CHAIN_ID)): "no account: name its key file",
            ("show", "--rpc", public.url, "--chain", "5"): "chain",
            ("plan", path, "--chain", "Atlantis"): "there is no preset of that name",
            ("fund", "--signer", "http://127.0.0.1:9"): "--signer and --address belong together",
        }
        sponsor.refused(cases)


def test_a_remote_signer_sends(sponsor: Sponsor, chain: Anvil, deployed: Coordinator, tmp_path: Path) -> None:
    other = chain.accounts[6]
    path = sponsor.file(f'[money]\ntoken = "{deployed.config().token}"\n', "remote.toml")
    sponsor.run("deploy", path, "--signer", chain.url, "--address", other, DEPLOYMENTS_DIR=str(tmp_path))
    assert sponsor.deployment(tmp_path).deployer == other


def test_a_new_federation_file(sponsor: Sponsor, tmp_path: Path) -> None:
    """Each is one that can be planned with, once what must be chosen is filled in."""
    for number, options in enumerate(((), ("--chain", "Base"), ("--chain", "sepolia"))):
        file = tmp_path / f"{number}.toml"
        sponsor.run("new", str(file), *options)
        small_federation(tmp_path / "spec.json")
        assert "Nothing is sent" in sponsor.run("plan", str(file))
        sponsor.refused({("new", str(file)): "exists and is not overwritten"})
