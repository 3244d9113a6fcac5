"""Masks of a private federation, compared with a second implementation, and what they do in a sum."""

import json

import numpy as np
import pytest
from fednode.masking.keys import agreed, fresh_secret, pair_seed, public_key
from fednode.masking.masked import masked_leaves, pair_seeds
from fednode.masking.stream import leaf_mask
from fednode.masking.weighted import weighted_delta
from fedprotocol.masks.limits import MasksError
from fedprotocol.masks.transcript import transcript
from support.second_masks import VECTORS, P, hkdf, vectors, x25519

ACCOUNTS = [f"0x{i:02x}" + "5a" * 19 for i in range(8)]


def words(leaves: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(leaves), ">u4").astype(np.uint32)


def test_the_second_implementation_agrees_with_the_rfcs() -> None:
    secret = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    point = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
    assert x25519(secret, point).hex() == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
    made = hkdf(b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)))
    assert made.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


def test_both_implementations_agree() -> None:
    kept = json.loads(VECTORS.read_text())
    assert kept == vectors()
    sites, k = kept["sites"], kept["leaf_values"]
    keys = {account: public_key(bytes.fromhex(site["secret"])) for account, site in sites.items()}
    assert {a: key.hex() for a, key in keys.items()} == {a: site["key"] for a, site in sites.items()}
    t = transcript(kept["chain_id"], kept["coordinator"], kept["round"], bytes.fromhex(kept["prior"]), keys)
    assert t.hex() == kept["transcript"]
    total = np.zeros(2 * k, np.uint32)
    for account, site in sites.items():
        seeds = pair_seeds(t, bytes.fromhex(site["secret"]), account, keys)
        assert {peer: seed.hex() for peer, seed in seeds.items()} == site["seeds"]
        y = words(masked_leaves(np.array(site["x"], np.int32), k, account, seeds))
        assert y.tolist() == site["y"]
        total += y
    assert total.tolist() == kept["sum"]
    first = next(iter(next(iter(sites.values()))["seeds"].values()))
    assert leaf_mask(bytes.fromhex(first), 1, k).tolist() == kept["first_mask"]


@pytest.mark.parametrize("u", [0, 1, P - 1, P, P + 1, 1 << 255])
def test_a_key_of_small_order_gives_zeros(u: int) -> None:
    assert agreed(fresh_secret(), u.to_bytes(32, "little")) == bytes(32)


def test_a_key_of_another_length_is_refused() -> None:
    for size in (0, 31, 33):
        with pytest.raises(MasksError, match=f"{size} bytes, not 32"):
            agreed(fresh_secret(), bytes(size))


def test_eight_sites_sum_exactly_and_seven_open_nothing() -> None:
    secrets = {a: fresh_secret() for a in ACCOUNTS}
    keys = {a: public_key(s) for a, s in secrets.items()}
    t = transcript(1, "0x" + "cc" * 20, 1, bytes(32), keys)
    rng, ys, xs = np.random.default_rng(1), [], []
    for a in ACCOUNTS:
        units = rng.normal(0, 1e6, 100)
        units[:2] = 1e12, -1e12
        xs.append(weighted_delta(units, 4096, 4, 1 << 15, rng).values)
        ys.append(words(masked_leaves(xs[-1], 64, a, pair_seeds(t, secrets[a], a, keys))))
    opened = np.sum(ys, axis=0, dtype=np.uint32).view(np.int32)
    assert opened[:100].tolist() == np.sum(xs, axis=0, dtype=np.int64).tolist()
    assert opened[:2].tolist() == [1 << 30, -(1 << 30)]
    assert not opened[100:].any() and ys[0][100:].all()
    seven = np.sum(ys[:7], axis=0, dtype=np.uint32)
    assert (seven[:100] != np.sum(xs[:7], axis=0, dtype=np.int64).astype(np.uint32)).all() and seven[100:].all()
    fewer = transcript(1, "0x" + "cc" * 20, 1, bytes(32), {a: keys[a] for a in ACCOUNTS[:7]})
    a, b = ACCOUNTS[:2]
    assert pair_seed(t, secrets[a], a, b, keys[b]) == pair_seed(t, secrets[b], b, a, keys[a])
    assert pair_seed(t, secrets[a], a, b, keys[b]) != pair_seed(fewer, secrets[b], b, a, keys[a])
    with pytest.raises(MasksError, match="must not take part"):
        pair_seeds(t, fresh_secret(), a, keys)


def test_rounding_is_unbiased_reproducible_and_counts_what_it_clipped() -> None:
    units = np.full(40_000, 0.7)
    one, two = (weighted_delta(units, 3, 1, 5, np.random.default_rng(7)).values for _ in range(2))
    assert (one == two).all() and set(one.tolist()) == {1, 2} and abs(one.mean() - 1.05) < 0.006
    assert weighted_delta(np.array([11.0, -11, 10]), 3, 1, 5, np.random.default_rng(7)).clipped == 2


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(MasksError, match="NaN or infinite"):
        weighted_delta(np.array([np.nan]), 1, 0, 1, np.random.default_rng(1))
    with pytest.raises(MasksError, match="vector of int32"):
        masked_leaves(np.zeros((2, 2), np.int32), 32, ACCOUNTS[0], {})


def test_leaves_that_are_zero_for_everybody_get_no_masks() -> None:
    site, k = vectors()["sites"], vectors()["leaf_values"]
    account, one = next(iter(site.items()))
    seeds = {peer: bytes.fromhex(seed) for peer, seed in one["seeds"].items()}
    values = np.array([0] * k + one["x"][:8], np.int32)
    masked, open_to_all = (words(masked_leaves(values, k, account, seeds, frozen=frozen)) for frozen in ((), {0}))
    assert masked[:k].all() and not open_to_all[:k].any()
    assert (masked[k:] == open_to_all[k:]).all()
    with pytest.raises(MasksError, match="leaf 1 holds a value that the round does not train"):
        masked_leaves(values, k, account, seeds, frozen={1})
