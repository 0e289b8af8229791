"""What a card can do at most: small CUDA kernels that do nothing but multiply and add, or read shared memory."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

__all__ = ["device_seconds", "fma_per_second", "shared_bytes_per_second"]

_BLOCKS_PER_PROCESSOR, _THREADS, _ROUNDS = 4, 256, 20_000

_SOURCE = r"""
extern "C" __global__ void fma_rate(double* out, int rounds, double by) {
    double a[8];
    for (int i = 0; i < 8; ++i) a[i] = threadIdx.x + i;
    for (int round = 0; round < rounds; ++round)
        #pragma unroll
        for (int i = 0; i < 8; ++i) a[i] = fma(a[i], by, 1.0);
    double total = 0.0;
    for (int i = 0; i < 8; ++i) total += a[i];
    out[blockIdx.x * blockDim.x + threadIdx.x] = total;
}
extern "C" __global__ void shared_rate(double* out, int rounds, int stride) {
    __shared__ double2 held[1024];
    for (int i = threadIdx.x; i < 1024; i += blockDim.x) held[i] = make_double2(i, -i);
    __syncthreads();
    unsigned x = 0, y = 0;
    int place = threadIdx.x;
    for (int round = 0; round < rounds; ++round) {
        #pragma unroll
        for (int i = 0; i < 8; ++i) {
            uint4 got = reinterpret_cast<uint4*>(held)[(place + i * blockDim.x) & 1023];
            x ^= got.x ^ got.y; y ^= got.z ^ got.w;
        }
        place += stride;
    }
    out[blockIdx.x * blockDim.x + threadIdx.x] = x + y;
}
"""


def device_seconds(cupy: Any, work: Callable[[], object]) -> float:
    """Time that some work takes on the device, by its own clock."""
    begin, end = cupy.cuda.Event(), cupy.cuda.Event()
    begin.record()
    work()
    end.record()
    end.synchronize()
    return cupy.cuda.get_elapsed_time(begin, end) / 1e3


def fma_per_second(cupy: Any, processors: int) -> float:
    """Multiplications with addition in float64 that the card does in a second."""
    return _rate(cupy, processors, "fma_rate", cupy.float64(0.999), operations=8)


def shared_bytes_per_second(cupy: Any, processors: int) -> float:
    """Bytes that the card reads from shared memory in a second, 16 by each thread at a time."""
    return _rate(cupy, processors, "shared_rate", cupy.int32(32), operations=8 * 16)


def _rate(cupy: Any, processors: int, name: str, last: Any, operations: int) -> float:
    kernel, blocks = cupy.RawKernel(_SOURCE, name), _BLOCKS_PER_PROCESSOR * processors
    out = cupy.empty(blocks * _THREADS)
    arguments = (out, cupy.int32(_ROUNDS), last)
    times = [device_seconds(cupy, lambda: kernel((blocks,), (_THREADS,), arguments)) for _ in range(6)]
    spent = statistics.median(times[1:])  # the first compiles
    return operations * _ROUNDS * blocks * _THREADS / spent
