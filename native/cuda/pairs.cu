// G = X·Xᵀ and squared distances on a device. As on the CPU, positions are summed in float over blocks of 256 and the
// blocks in double, every entry in the same order, so that equal channels give equal entries.
//
// A thread block computes 64 × 64 entries over one part of the positions from two 16-position slabs in shared memory; each
// of its 16 × 16 threads holds 4 × 4 entries. Parts are added up in order by a second kernel: no atomics, the same result
// every time. Device memory: the tensor, and parts · channels² doubles.
//
// Tensor cores are left alone: in TF32 a weight has 11 bits of mantissa, too few to tell twins from near ones.
#include "memory.h"

namespace {

constexpr int kTile = 64;
constexpr int kSlab = 16;
constexpr int kThreads = 16;
constexpr int kEach = kTile / kThreads;
constexpr std::size_t kFloatBlock = 256;

struct View {
  const float* data;
  std::size_t channels;
  std::size_t positions;
  std::size_t inner;

  __device__ float at(std::size_t channel, std::size_t position) const {
    if (channel >= channels || position >= positions) return 0.0F;
    return data[(position / inner * channels + channel) * inner + position % inner];
  }
};

template <bool Distance>
__global__ void pairsKernel(View x, std::size_t perPart, double* partial) {
  if (blockIdx.x > blockIdx.y) return;
  __shared__ float left[kSlab][kTile + 1];
  __shared__ float right[kSlab][kTile + 1];
  const std::size_t row = static_cast<std::size_t>(blockIdx.y) * kTile;
  const std::size_t column = static_cast<std::size_t>(blockIdx.x) * kTile;
  const int thread = threadIdx.y * kThreads + threadIdx.x;
  const std::size_t begin = blockIdx.z * perPart;
  const std::size_t end = min(x.positions, begin + perPart);
  float sums[kEach][kEach] = {};
  double totals[kEach][kEach] = {};
  for (std::size_t from = begin; from < end; from += kSlab) {
    for (int e = thread; e < kSlab * kTile; e += kThreads * kThreads) {
      // Neighbouring threads read neighbouring addresses.
      const int k = x.inner > 1 ? e % kSlab : e / kTile;
      const int c = x.inner > 1 ? e / kSlab : e % kTile;
      const bool inside = from + k < end;
      left[k][c] = inside ? x.at(row + c, from + k) : 0.0F;
      right[k][c] = inside ? x.at(column + c, from + k) : 0.0F;
    }
    __syncthreads();
    for (int k = 0; k < kSlab; ++k) {
      for (int i = 0; i < kEach; ++i) {
        const float a = left[k][threadIdx.y * kEach + i];
        for (int j = 0; j < kEach; ++j) {
          const float b = right[k][threadIdx.x * kEach + j];
          sums[i][j] = Distance ? fmaf(a - b, a - b, sums[i][j]) : fmaf(a, b, sums[i][j]);
        }
      }
    }
    __syncthreads();
    if ((from - begin) % kFloatBlock == kFloatBlock - kSlab || from + kSlab >= end) {
      for (int i = 0; i < kEach; ++i) {
        for (int j = 0; j < kEach; ++j) {
          totals[i][j] += static_cast<double>(sums[i][j]);
          sums[i][j] = 0;
        }
      }
    }
  }
  double* const out = partial + blockIdx.z * x.channels * x.channels;
  for (int i = 0; i < kEach; ++i) {
    for (int j = 0; j < kEach; ++j) {
      const std::size_t r = row + threadIdx.y * kEach + i;
      const std::size_t c = column + threadIdx.x * kEach + j;
      if (r < x.channels && c < x.channels) out[r * x.channels + c] = totals[i][j];
    }
  }
}

__global__ void addParts(double* partial, std::size_t entries, unsigned parts) {
  const std::size_t entry = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (entry >= entries) return;
  double sum = partial[entry];
  for (unsigned part = 1; part < parts; ++part) sum += partial[part * entries + entry];
  partial[entry] = sum;
}

}  // namespace

void pairs(const float* x, std::size_t outer, std::size_t channels, std::size_t inner, int kind, double* sums) {
  constexpr const char* kName = "pairs";
  const std::size_t positions = outer * inner;
  const std::size_t elements = positions * channels;
  const std::size_t entries = channels * channels;
  if (elements == 0) check(cudaErrorInvalidValue, kName);
  const auto tiles = static_cast<unsigned>((channels + kTile - 1) / kTile);
  // Enough blocks to fill a device; a part is a multiple of the float block.
  const std::size_t wanted = std::max<std::size_t>(1, 1024 / (static_cast<std::size_t>(tiles) * (tiles + 1) / 2));
  const std::size_t blocks = (positions + kFloatBlock - 1) / kFloatBlock;
  const std::size_t perPart = (blocks + std::min(wanted, blocks) - 1) / std::min(wanted, blocks) * kFloatBlock;
  const auto parts = static_cast<unsigned>((positions + perPart - 1) / perPart);
  Stream& queue = stream(kName);
  const DeviceMemory<float> input(elements, kName);
  const DeviceMemory<double> partial(parts * entries, kName);
  queue.upload(input.data(), x, elements * sizeof(float), kName);
  const View view = {input.data(), channels, positions, inner};
  const dim3 grid(tiles, tiles, parts);
  const dim3 threads(kThreads, kThreads);
  queue.launch(kName, kind == 0 ? pairsKernel<false> : pairsKernel<true>, grid, threads, view, perPart, partial.data());
  queue.launch(kName, addParts, dim3(static_cast<unsigned>((entries + 255) / 256)), dim3(256), partial.data(), entries,
               parts);
  queue.download(sums, partial.data(), entries * sizeof(double), kName);
}
