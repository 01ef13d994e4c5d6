"""What a phone heard: read its recording and look for single tones.

A recording may still be growing and its WAV header may hold no length yet,
so the data runs from the end of the header to the end of the file.
"""
import array
import math
import struct


def read_wav(path):
    """(rate, samples) of a 16-bit mono PCM file; samples is an array('h')."""
    with open(path, "rb") as f:
        raw = f.read()
    rate, at = 8000, 12
    while at + 8 <= len(raw):
        kind, size = raw[at:at + 4], struct.unpack_from("<I", raw, at + 4)[0]
        if kind == b"fmt ":
            channels, rate = struct.unpack_from("<HI", raw, at + 10)
            if channels != 1:
                raise ValueError(f"{path}: {channels} channels, expected 1")
        at += 8
        if kind == b"data":
            break
        at += size
    body = raw[at:len(raw) - (len(raw) - at) % 2]
    samples = array.array("h")
    samples.frombytes(body)
    return rate, samples


def goertzel(samples, rate, hz):
    """Share (0..1) of the block's energy that is at hz; 0 for silence."""
    n = len(samples)
    if n == 0:
        return 0.0
    w = 2.0 * math.pi * hz / rate
    c, s1, s2, energy = 2.0 * math.cos(w), 0.0, 0.0, 0.0
    for x in samples:
        s1, s2 = x + c * s1 - s2, s1
        energy += float(x) * x
    if energy < n * 100.0 * 100.0:      # below -50 dBFS: call it silence
        return 0.0
    power = s1 * s1 + s2 * s2 - c * s1 * s2
    return min(1.0, 2.0 * power / (n * energy))


def seconds_of(path, hz, since_s=0.0, block_s=0.1, share=0.7):
    """Seconds of the recording, from since_s on, in which hz is THE sound."""
    rate, samples = read_wav(path)
    step = int(rate * block_s)
    heard = 0
    for at in range(int(since_s * rate), len(samples) - step + 1, step):
        if goertzel(samples[at:at + step], rate, hz) >= share:
            heard += 1
    return heard * block_s


def length_of(path):
    """Length of the recording so far, in seconds."""
    rate, samples = read_wav(path)
    return len(samples) / rate
