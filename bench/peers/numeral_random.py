"""Numeral's random draws in numpy: Philox4x32-10(seed; stream, step, element).

The same bits as src/util/random.h and src/util/permutation.h, a whole vector at a time. A draw of
`count` elements is elements 0 .. count-1 of its stream.
"""

import numpy as np

U32 = np.uint64(0xFFFFFFFF)
SHIFT32 = np.uint64(32)
F32 = np.float32


class Streams:
    """The one place that names the streams."""

    SHUFFLE = "shuffle"
    SHIFT = "shift"
    NOISE = "noise"  # of a latent predictor
    TIMES = "times"

    @staticmethod
    def init(network, parameter):
        return f"init/{network}/{parameter}"

    @staticmethod
    def latents(fresh_for_generator=False, further_input=None):
        """`fresh_for_generator`: of a pass made for the generator's update alone; `further_input`:
        the name of a latent input that is not the network's first."""
        name = "latents/generator" if fresh_for_generator else "latents"
        return f"{name}.{further_input}" if further_input else name

    @staticmethod
    def digits(fresh_for_generator=False):
        return "digits/generator" if fresh_for_generator else "digits"

    @staticmethod
    def dropout(network, layer, pass_name):
        """`pass_name`: "real", "fake" (both for D's update), "generator", or a latent predictor's
        "pairs". The generator's own passes are "fake" where only D's update sees the result, else
        "generator"."""
        return f"dropout/{network}/{layer}/{pass_name}"


def stream_id(name):
    """FNV-1a, 32 bits."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def philox4x32(counter, key0, key1):
    """Ten rounds; `counter` is four uint64 arrays that hold 32-bit words, and so is the result."""
    c0, c1, c2, c3 = counter
    for _ in range(10):
        p0 = np.uint64(0xD2511F53) * c0
        p1 = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (
            (p1 >> SHIFT32) ^ c1 ^ np.uint64(key0),
            p1 & U32,
            (p0 >> SHIFT32) ^ c3 ^ np.uint64(key1),
            p0 & U32,
        )
        key0 = (key0 + 0x9E3779B9) & 0xFFFFFFFF
        key1 = (key1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def draw_bits(seed, stream, step, count):
    """uint32 [count]; `stream` is a name."""
    groups = np.arange((count + 3) // 4, dtype=np.uint64)

    def word(value):
        return np.full_like(groups, value & 0xFFFFFFFF)

    counter = (groups, word(step), word(step >> 32), word(stream_id(stream)))
    lanes = philox4x32(counter, seed & 0xFFFFFFFF, seed >> 32)
    return np.stack(lanes, axis=1).reshape(-1)[:count].astype(np.uint32)


def _fma(a, b, c):
    """float32 fused multiply-add: the product is exact in double, the sum is rounded once more."""
    return (np.float64(a) * np.float64(b) + np.float64(c)).astype(F32)


def unit(bits):
    """(0, 1]."""
    return _fma(bits.astype(F32), F32(2.0**-32), F32(2.0**-33))


def signed_unit(bits):
    """[-1, 1]."""
    return bits.view(np.int32).astype(F32) * F32(2.0**-31)


_LOG = [
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
]  # fmt: skip


def _log_unit(x):
    shifted = x.view(np.uint32) - np.uint32(0x3F3504F3)
    exponent = (shifted.view(np.int32) >> 23).astype(F32)
    f = ((shifted & np.uint32(0x007FFFFF)) + np.uint32(0x3F3504F3)).view(F32) - F32(1)
    p = F32(_LOG[0])
    for coefficient in _LOG[1:]:
        p = _fma(p, f, F32(coefficient))
    square = f * f
    tail = _fma(exponent, F32(-2.12194440e-4), square * f * p)
    return _fma(exponent, F32(0.693359375), f + _fma(F32(-0.5), square, tail))


def _sin_cos(bits):
    quadrant = (bits + np.uint32(0x20000000)) >> np.uint32(30)
    offset = (bits - (quadrant << np.uint32(30))).view(np.int32)
    x = offset.astype(F32) * F32(1.4629180792671596e-9)
    q = x * x
    s0 = _fma(_fma(F32(-1.9515295891e-4), q, F32(8.3321608736e-3)), q, F32(-1.6666654611e-1))
    c0 = _fma(
        _fma(F32(2.443315711809948e-5), q, F32(-1.388731625493765e-3)), q, F32(4.166664568298827e-2)
    )
    s = _fma(x * q, s0, x)
    c = _fma(q * q, c0, _fma(F32(-0.5), q, F32(1)))
    quadrant = quadrant & np.uint32(3)
    return np.choose(quadrant, [s, c, -s, -c]), np.choose(quadrant, [c, -s, -c, s])


def draw_normal(seed, stream, step, count):
    """float32 [count] of N(0, 1)."""
    bits = draw_bits(seed, stream, step, (count + 1) // 2 * 2).reshape(-1, 2)
    radius = np.sqrt(F32(-2) * _log_unit(unit(np.ascontiguousarray(bits[:, 0]))))
    sin, cos = _sin_cos(np.ascontiguousarray(bits[:, 1]))
    return np.stack([radius * cos, radius * sin], axis=1).reshape(-1)[:count]


def draw_uniform(seed, stream, step, count):
    """float32 [count] of U(-1, 1)."""
    return signed_unit(draw_bits(seed, stream, step, count))


def draw_times(seed, stream, step, count):
    """float32 [count] in (0, 1]."""
    return unit(draw_bits(seed, stream, step, count))


def draw_choices(seed, stream, step, count, choices):
    """int64 [count], uniform over `choices`."""
    bits = draw_bits(seed, stream, step, count).astype(np.uint64)
    return np.asarray(choices)[(bits * np.uint64(len(choices))) >> SHIFT32]


def draw_kept(seed, stream, step, count, rate):
    """bool [count]: which elements a dropout of `rate` keeps."""
    threshold = int(float(F32(rate)) * 4294967296.0)
    return draw_bits(seed, stream, step, count) >= threshold


def draw_init(seed, network, parameter, count, init, fan_in, fan_out):
    """float32 [count], in the file's order; `init` is a resolved InitSpec."""
    stream, kind = Streams.init(network, parameter), init["type"]
    if kind in ("zeros", "ones"):
        return np.full(count, kind == "ones", F32)
    if kind == "normal":
        return _fma(F32(init["std"]), draw_normal(seed, stream, 0, count), F32(init["mean"]))
    bound = {
        "uniform": lambda: init["bound"],
        "glorot_uniform": lambda: (6 / (fan_in + fan_out)) ** 0.5,
        "kaiming_uniform": lambda: fan_in**-0.5,
    }[kind]()
    return F32(bound) * draw_uniform(seed, stream, 0, count)


def permutation(n, seed, stream, epoch):
    """int64 [n]: the shuffle of an epoch."""
    half_bits = 1
    while 1 << (2 * half_bits) < n:
        half_bits += 1
    mask, shift = np.uint32((1 << half_bits) - 1), np.uint32(half_bits)
    keys = draw_bits(seed, stream, epoch, 8)

    def mix(x):
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        return x ^ (x >> np.uint32(16))

    def once(value):
        left, right = (value >> shift).astype(np.uint32), value.astype(np.uint32) & mask
        for key in keys:
            left, right = right, left ^ (mix(right + key) & mask)
        return (left << shift) | right

    values = once(np.arange(n, dtype=np.uint32))
    while (outside := values >= n).any():  # cycle walking
        values[outside] = once(values[outside])
    return values.astype(np.int64)


def check_known_answers():
    """Salmon et al.'s test vectors; raises where this is not Philox4x32-10."""
    ones, pi = 0xFFFFFFFF, (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
    for counter, key, expected in [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ones,) * 4, (ones, ones), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (pi, (0xA4093822, 0x299F31D0), (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ]:
        result = philox4x32([np.array([word], np.uint64) for word in counter], *key)
        if tuple(int(lane[0]) for lane in result) != expected:
            raise AssertionError(f"Philox4x32-10 of {counter} is wrong: {result}")
