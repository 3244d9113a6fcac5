"""`fednode serve`'s interface over HTTP, by OpenAI's client, in front of a real model."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openai
import pytest
import requests
from fednode.serving.app import LONGEST_BODY, Api
from fednode.serving.asked import USUAL_LENGTH
from fednode.serving.growing_text import GrowingText
from fednode.serving.newest import Newest
from fednode.serving.served_model import MOST_WAITING, Global, ServedModel
from fednode.serving.server import serve
from fednode.training import AdapterModel
from fedprotocol import tree
from fedprotocol.errors import FedError
from fedprotocol.program.listening import CannotListen, listen
from fedprotocol.spec import Spec
from support.tiny_spec import tiny_spec

NAME = "ward notes"
CHAT = [
    {"role": "system", "content": "be short"},
    {"role": "user", "content": "a small rose"},
    {"role": "assistant", "content": "red"},
    {"role": "user", "content": [{"type": "text", "text": "a small sky"}]},
]


class Served:
    """A server with a tiny model, and the chain and the store behind it as this test wants them."""

    def __init__(self, folder: Path) -> None:
        self.spec: Spec
        self.spec, adapter = tiny_spec(folder, "fp32")
        self.model = AdapterModel.load(self.spec, None, "cpu", 1)
        rng = np.random.default_rng(5)
        moved = adapter.units + rng.integers(-(2**22), 2**22, adapter.units.shape, dtype=np.int32)
        self.units = {bytes([number]) * 32: units for number, units in enumerate((adapter.units, moved))}
        self.final: Global | FedError = Global(0, bytes(32))
        self.served = ServedModel(self.model, self.spec.training.sequence_length, Global(0, bytes(32)), adapter.units)
        self.newest = Newest(self.served, self._find, lambda root: self.units[root])
        self.listening, self.stop = listen("127.0.0.1", 0), threading.Event()
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        app = Api(self.served, self.newest, NAME).app()
        self._thread = threading.Thread(target=serve, args=(app, self.listening, self.stop))
        self._thread.start()
        self.client = openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0)

    def _find(self) -> Global:
        if isinstance(self.final, FedError):
            raise self.final
        return self.final

    def end(self) -> None:
        self.stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def at(tiny_folder: Path) -> Iterator[Served]:
    found = Served(tiny_folder)
    yield found
    found.end()


def completion(at: Served, **more: object) -> openai.types.Completion:
    wanted = {"model": NAME, "prompt": "a small rose", "max_tokens": 12, **more}
    return at.client.completions.create(**wanted)  # type: ignore[call-overload,no-any-return]


@pytest.mark.model
def test_it_answers_as_generate_does_and_counts(at: Served) -> None:
    said = completion(at)
    assert said.choices[0].text == at.model.generate(at.spec, "a small rose", 12) != ""
    ids = at.model.encoder.prompt("a small rose")[0]
    assert ids == at.model.encoder.example("a small rose", " red").input_ids[: len(ids)], "what training saw"
    assert said.usage is not None
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (len(ids), 12)
    assert (said.model, said.choices[0].finish_reason) == (NAME, "length")
    assert said.system_fingerprint == f"round-0-{tree.cid(bytes(32))}"


@pytest.mark.model
def test_a_chat_becomes_the_prompt_that_a_site_would_learn_from(at: Served) -> None:
    from fednode.data.messages import answers_in

    said = at.client.chat.completions.create(model=NAME, messages=CHAT, max_completion_tokens=9)  # type: ignore[arg-type]
    learned = answers_in([*CHAT, {"role": "assistant", "content": "blue"}])
    assert isinstance(learned, list)
    [(prompt, _)] = learned
    assert said.choices[0].message.content == at.model.generate(at.spec, prompt, 9)
    assert said.choices[0].message.role == "assistant"


@pytest.mark.model
def test_a_stream_has_the_same_text_in_parts(at: Served) -> None:
    whole = completion(at)
    parts = list(completion(at, stream=True, stream_options={"include_usage": True}))
    assert "".join(part.choices[0].text for part in parts if part.choices) == whole.choices[0].text
    assert sum(bool(part.choices and part.choices[0].text) for part in parts) > 2
    assert parts[-1].usage == whole.usage
    assert parts[-2].choices[0].finish_reason == "length"
    chat = {"model": NAME, "messages": CHAT, "max_tokens": 9}
    said = at.client.chat.completions.create(**chat)  # type: ignore[call-overload]
    deltas = [part.choices[0].delta for part in at.client.chat.completions.create(**chat, stream=True)]  # type: ignore[call-overload]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == said.choices[0].message.content


@pytest.mark.model
def test_tokens_are_drawn_if_a_temperature_is_given(at: Served) -> None:
    drawn = {completion(at, temperature=1.5, seed=seed).choices[0].text for seed in (1, 1, 2, 3)}
    assert len(drawn) == 3
    assert completion(at, temperature=1.5, top_p=1e-9, seed=1).choices[0].text == completion(at).choices[0].text


@pytest.mark.model
def test_it_ends_where_the_client_wants(at: Served) -> None:
    whole = completion(at).choices[0].text
    stop = whole[4:6]
    said = completion(at, stop=[stop, "never"]).choices[0]
    assert (said.text, said.finish_reason) == (whole[: whole.find(stop)].rstrip(), "stop")


@pytest.mark.model
def test_a_new_global_answers_without_a_restart_and_a_lost_chain_leaves_the_old_one(at: Served) -> None:
    before = completion(at)
    at.final = FedError("the chain is away")
    at.newest.look()
    assert requests.get(f"{at.url}/health", timeout=20).json()["problem"] == "the chain is away"
    assert completion(at).choices[0].text == before.choices[0].text
    at.final = Global(3, b"\1" * 32)
    stop = threading.Event()
    following = threading.Thread(target=at.newest.follow, args=(0.05, stop))
    following.start()
    end = time.monotonic() + 20
    while at.served.now.round != 3 and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    following.join()
    after = completion(at)
    assert after.system_fingerprint == f"round-3-{tree.cid(bytes([1]) * 32)}"
    assert after.choices[0].text != before.choices[0].text
    health = requests.get(f"{at.url}/health", timeout=20).json()
    assert health == {"round": 3, "root": "0x" + "01" * 32, "problem": None}
    at.served.replace(Global(0, bytes(32)), at.units[bytes(32)])


@pytest.mark.model
@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({"model": "gpt-4"}, 404, "there is no model 'gpt-4'; this server has 'ward notes'"),
        ({"prompt": "rose " * 500}, 400, "the prompt is too long: this federation trains on 48 tokens"),
        ({"prompt": ["a", "b"]}, 400, "prompt"),
        ({"n": 2}, 400, "n = 2 is not available here"),
        ({"logprobs": 3}, 400, "logprobs"),
        ({"temperature": 3}, 400, "temperature"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"stop": ["a", "b", "c", "d", "e"]}, 400, "stop"),
    ],
)
def test_what_it_cannot_do_it_refuses(at: Served, asked: dict[str, object], status: int, says: str) -> None:
    with pytest.raises(openai.APIStatusError) as error:
        completion(at, **asked)
    assert error.value.status_code == status
    assert says in error.value.message


@pytest.mark.model
@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([], "messages is empty"),
        ([{"role": "assistant", "content": "red"}], "message 1 has the role assistant; first comes system or user"),
        (CHAT[:3], "messages end with the role assistant; the last must be the user's"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "only text"),
    ],
)
def test_a_chat_that_no_site_could_learn_from_is_refused(at: Served, messages: list[object], says: str) -> None:
    with pytest.raises(openai.BadRequestError, match=says):
        at.client.chat.completions.create(model=NAME, messages=messages)  # type: ignore[call-overload]


@pytest.mark.model
def test_what_passes_over_and_what_is_no_request(at: Served) -> None:
    assert [model.id for model in at.client.models.list()] == [NAME]
    assert at.client.models.retrieve(NAME).owned_by == "federation"
    assert completion(at, user="me", n=1, presence_penalty=0).choices[0].text
    post = f"{at.url}/v1/completions"
    body = json.dumps({"model": NAME, "prompt": "a rose", "max_tokens": 1})
    assert requests.post(post, body, headers={"Content-Type": "text/plain"}, timeout=20).status_code == 415
    json_type = {"Content-Type": "application/json"}
    assert requests.post(post, body, headers={**json_type, "Host": "evil.example"}, timeout=20).status_code == 400
    assert requests.post(post, "{", headers=json_type, timeout=20).status_code == 400
    assert requests.post(post, " " * (LONGEST_BODY + 1), headers=json_type, timeout=20).status_code == 413
    missing = requests.get(f"{at.url}/v2", timeout=20)
    assert missing.status_code == 404
    assert "there are /v1/models" in missing.json()["error"]["message"]


@pytest.mark.model
def test_more_than_can_wait_are_told_to_ask_later(at: Served) -> None:
    for _ in range(MOST_WAITING):
        at.served.enter()
    try:
        with pytest.raises(openai.RateLimitError, match="ask later"):
            completion(at)
    finally:
        for _ in range(MOST_WAITING):
            at.served.leave()
    assert completion(at).choices


@pytest.mark.model
def test_who_goes_away_does_not_keep_the_model(at: Served) -> None:
    asked = {"model": NAME, "prompt": "a rose", "max_tokens": USUAL_LENGTH, "temperature": 2, "stream": True}
    begun = requests.post(f"{at.url}/v1/completions", json=asked, stream=True, timeout=20)
    next(begun.iter_lines())
    begun.close()
    assert completion(at, max_tokens=1).choices  # waits for the model
    for _ in range(MOST_WAITING):  # every place is free again
        at.served.enter()
    for _ in range(MOST_WAITING):
        at.served.leave()


def test_a_port_that_is_taken(at: Served) -> None:
    with pytest.raises(CannotListen, match="choose another with --port"):
        listen("127.0.0.1", at.listening.getsockname()[1])


@pytest.mark.parametrize(
    ("texts", "stops", "told", "has_stopped"),
    [
        ([" red", " red ", " red rose"], (), ["red", "", " rose"], False),
        (["a", "ab", "abX"], ("bX",), ["a", "", ""], True),
        (["a", "ab", "abc"], ("bX",), ["a", "", "bc"], False),
        (["caf\N{REPLACEMENT CHARACTER}", "café"], (), ["caf", "é"], False),
        (["a\n", "a\n\n", "a\n\nb"], ("\n\n",), ["a", "", ""], True),
        (["", "  ", "  x"], (), ["", "", "x"], False),
    ],
)
def test_what_is_sent_of_a_growing_text_never_changes(
    texts: list[str], stops: tuple[str, ...], told: list[str], has_stopped: bool
) -> None:
    growing = GrowingText(stops)
    found = [growing.next(text) for text in texts[:-1]]
    assert [*found, growing.next(texts[-1], is_whole=True)] == told
    assert growing.has_stopped is has_stopped
